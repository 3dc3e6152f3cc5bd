//! How long the echo of an honest peer takes beside eight peers that flood the same thread.
//!
//! ```text
//! cargo bench --all-features --bench fairness                  # 5 s for each row
//! cargo bench --all-features --bench fairness -- --seconds 2 --turn 65536 # with another `Config::turn`
//! ```
//!
//! The load comes from other threads of the same process, so that on a machine with few processors the times contain the
//! wait for one.

#[path = "../tests/fairness/load.rs"]
mod load;
#[path = "../tests/fairness/servers.rs"]
mod servers;

use std::env;
use std::error::Error;
use std::time::Duration;

use load::{Flood, measure};
use servers::Server;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let is_test = words.iter().any(|word| word == "--test");
    let seconds = value("--seconds").map_or(Ok(5), |seconds| seconds.parse())?;
    let time = if is_test { Duration::from_millis(100) } else { Duration::from_secs(seconds) };
    let mut config = load::config();
    if let Some(bytes) = value("--turn") {
        config = config.turn(bytes.parse()?);
    }
    println!(
        "{:14}{:10}{:>9}{:>9}{:>9}{:>8}{:>12}",
        "server", "flood", "p50 ms", "p99 ms", "max ms", "echoes", "blocks/s"
    );
    for server in Server::ALL {
        let address = server.start(&config)?;
        for flood in Flood::ALL {
            let served = measure(address, *flood, time)?;
            let [p50, p99, max] = [50, 99, 100].map(|percent| served.percentile(percent).as_secs_f64() * 1000.0);
            let (count, rate) = (served.count(), served.blocks as u128 * 1000 / time.as_millis());
            let names = (format!("{server:?}"), format!("{flood:?}"));
            println!("{:14}{:10}{p50:9.2}{p99:9.2}{max:9.2}{count:8}{rate:12}", names.0, names.1);
        }
    }
    Ok(())
}
