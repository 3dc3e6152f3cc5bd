//! The ratios to plain TCP as a picture.

use plotters::prelude::*;

use crate::Result;
use crate::measure::{Cell, Outcome};
use crate::servers::{Kind, Server};

/// A panel for each cell, a bar for each server.
pub(crate) fn draw(path: &str, outcomes: &[Outcome]) -> Result<()> {
    let rows = outcomes.len().div_ceil(COLUMNS);
    let size = (WIDTH * u32::try_from(COLUMNS)?, HEIGHT * u32::try_from(rows)? + TITLE);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.titled(
        "Messages per second of the server's processor time, as a part of what plain TCP echoes on the same runtime",
        ("sans-serif", 20),
    )?;
    for (outcome, panel) in outcomes.iter().zip(area.split_evenly((rows, COLUMNS))) {
        draw_cell(outcome, &panel)?;
    }
    Ok(area.present()?)
}

fn draw_cell(outcome: &Outcome, panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<()> {
    let Cell { payload, connections, window } = outcome.cell;
    let bars: Vec<(&Server, f64)> = (outcome.servers.iter())
        .filter(|(server, _)| server.kind.is_websocket())
        .filter_map(|(server, _)| Some((*server, outcome.against_tcp(server)?)))
        .collect();
    let count = i32::try_from(bars.len())?;
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{payload} B × {connections} connections × {window} in flight"), ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(130)
        .build_cartesian_2d(0.0..1.1, (0..count - 1).into_segmented())?;
    let name = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(at) => {
            bar(&bars, count - 1 - at).map_or_else(String::new, |(server, _)| server.name.into())
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_labels(6)
        .y_labels(bars.len())
        .y_label_formatter(&name)
        .label_style(("sans-serif", 12))
        .draw()?;
    for at in 0..count {
        let Some((server, ratio)) = bar(&bars, count - 1 - at) else { continue };
        let color = if server.kind == Kind::Ours { OURS } else { PEERS };
        let corners = [(0.0, SegmentValue::Exact(at)), (*ratio, SegmentValue::Exact(at + 1))];
        let mut bar = Rectangle::new(corners, color.filled());
        bar.set_margin(2, 2, 0, 0);
        chart.draw_series([bar])?;
        let label = format!("{ratio:.2}");
        chart.draw_series([Text::new(label, (ratio + 0.01, SegmentValue::CenterOf(at)), ("sans-serif", 12))])?;
    }
    let limit = [(1.0, SegmentValue::Exact(0)), (1.0, SegmentValue::Exact(count))];
    chart.draw_series([PathElement::new(limit, BLACK)])?;
    Ok(())
}

fn bar<'a>(bars: &'a [(&'a Server, f64)], at: i32) -> Option<&'a (&'a Server, f64)> {
    bars.get(usize::try_from(at).ok()?)
}

const OURS: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
const PEERS: RGBColor = RGBColor(0x75, 0x8e, 0xb7);
const COLUMNS: usize = 2;
const WIDTH: u32 = 560;
const HEIGHT: u32 = 300;
const TITLE: u32 = 40;
