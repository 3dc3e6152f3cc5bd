//! Time: all libraries take turns, in many short samples, so that whatever else the machine does hits all alike.

use std::time::{Duration, Instant};

use crate::job::{Job, Round, Seen};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often each library has its turn in a cell.
    pub(crate) samples: usize,
    /// About how long one turn takes.
    pub(crate) turn: Duration,
}

impl Plan {
    pub(crate) const QUICK: Self = Self { samples: 40, turn: Duration::from_micros(300) };
    pub(crate) const FULL: Self = Self { samples: 300, turn: Duration::from_micros(500) };
}

/// A library in a cell, with its connection open and found to do the right thing.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    job: Job,
    round: Round,
    /// What each round shows: messages and bytes received, bytes written.
    expected: (usize, usize, usize),
    /// How many rounds make a turn.
    rounds: u32,
    /// What each turn took for one round, in nanoseconds.
    samples: Vec<f64>,
}

impl Contestant {
    /// # Panics
    ///
    /// If a library does not what it should.
    pub(crate) fn enter(name: &'static str, mut round: Round, job: &Job, is_library: bool) -> Self {
        let job = job.clone();
        let mut expected = (0, 0, 0);
        let panics = NameInPanic { name, job: &job };
        for _ in 0..2 {
            job.sink.clear();
            let mut seen = if is_library { Seen::comparing(&job) } else { Seen::default() };
            round(&mut seen);
            if is_library {
                job.check(&seen);
            }
            let (messages, bytes) = seen.totals();
            expected = (messages, bytes, job.sink.bytes().len());
        }
        drop(panics);
        Self { name, job, round, expected, rounds: 1, samples: Vec::new() }
    }

    /// Some rounds, each of which has to show the same as the first.
    pub(crate) fn run(&mut self, rounds: u32) {
        for _ in 0..rounds {
            self.job.sink.clear();
            let mut seen = Seen::default();
            (self.round)(&mut seen);
            let (messages, bytes) = seen.totals();
            let shown = (messages, bytes, self.job.sink.bytes().len());
            assert_eq!(shown, self.expected, "{} in {}: another round than the first", self.name, self.job.cell);
        }
    }

    fn calibrate(&mut self, turn: Duration) {
        let start = Instant::now();
        self.run(3);
        let one = (start.elapsed() / 3).max(Duration::from_nanos(1));
        self.rounds = u32::try_from(turn.as_nanos() / one.as_nanos()).unwrap_or(u32::MAX).clamp(1, 10_000);
    }

    fn turn(&mut self) {
        self.run(1); // brings its memory back into the caches
        let start = Instant::now();
        self.run(self.rounds);
        self.samples.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(self.rounds));
    }

    /// Nanoseconds for a message: the tenth part of all samples was faster.
    #[expect(clippy::cast_precision_loss, reason = "few messages")]
    pub(crate) fn nanoseconds(&mut self) -> f64 {
        self.samples.sort_by(f64::total_cmp);
        self.samples[self.samples.len() / 10] / self.job.count as f64
    }
}

/// Lets all have their turns, each time beginning with another.
pub(crate) fn race(contestants: &mut [Contestant], plan: Plan) {
    for contestant in &mut *contestants {
        contestant.calibrate(plan.turn);
    }
    for sample in 0..plan.samples {
        let first = sample % contestants.len();
        let (later, earlier) = contestants.split_at_mut(first);
        later.iter_mut().chain(earlier).for_each(Contestant::turn);
    }
}

/// Says whose check failed.
struct NameInPanic<'a> {
    name: &'static str,
    job: &'a Job,
}

impl Drop for NameInPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {} in {}", self.name, self.job.cell);
        }
    }
}
