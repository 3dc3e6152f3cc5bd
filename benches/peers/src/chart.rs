//! A picture of many small bar charts, one an operation, with one axis: how long something takes relative to the first.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

/// The small chart of one operation.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is done.
    pub title: String,
    /// One bar each; the first is the measure, and one.
    pub bars: Vec<Bar>,
}

/// One contestant.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Who.
    pub label: String,
    /// How long the bar is, to the right of one, or to the left of it.
    pub value: f64,
    /// What `value` is the mean of, as dots, each darker than the one before.
    pub dots: Vec<f64>,
}

/// What stands around the small charts.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// In large letters.
    pub title: &'a str,
    /// In small letters below: the machine, how to read it.
    pub notes: &'a [String],
    /// How many small charts stand side by side.
    pub columns: usize,
    /// The ends of the axis, which is logarithmic.
    pub range: (f64, f64),
}

/// Draws all panels into an SVG.
pub fn draw(path: &Path, frame: Frame<'_>, panels: &[Panel]) -> Result<(), Box<dyn Error>> {
    let most = panels.iter().map(|panel| panel.bars.len()).max().unwrap_or(1);
    let height = PANEL_HEAD + BAR * u32::try_from(most)?;
    let columns = u32::try_from(frame.columns)?;
    let rows = u32::try_from(panels.len())?.div_ceil(columns);
    let top = HEAD + NOTE * u32::try_from(frame.notes.len())?;
    let area = SVGBackend::new(path, (WIDTH * columns, top + height * rows)).into_drawing_area();
    area.fill(&WHITE)?;
    area.draw(&Text::new(frame.title, (12, 12), ("sans-serif", 20).into_font()))?;
    for (line, note) in (0..).zip(frame.notes) {
        let y = i32::try_from(HEAD + NOTE * line)?;
        area.draw(&Text::new(note.as_str(), (12, y - 4), ("sans-serif", 12).into_font().color(&GREY)))?;
    }
    let (_, body) = area.split_vertically(top);
    let cells = body.split_evenly((usize::try_from(rows)?, frame.columns));
    for (cell, panel) in cells.iter().zip(panels) {
        draw_panel(cell, frame.range, panel)?;
    }
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_panel(area: &Area<'_>, (low, high): (f64, f64), panel: &Panel) -> Result<(), Box<dyn Error>> {
    area.draw(&Text::new(panel.title.as_str(), (12, 6), ("sans-serif", 14).into_font()))?;
    let axis = Axis { low: low.ln(), high: high.ln() };
    let bottom = i32::try_from(PANEL_HEAD - 12 + BAR * u32::try_from(panel.bars.len())?)?;
    for power in -4..10_i32 {
        let value = 2_f64.powi(power);
        if (low..=high).contains(&value) {
            let (x, color) = (axis.x(value), if power == 0 { BLACK } else { PALE });
            area.draw(&PathElement::new([(x, 26), (x, bottom)], color))?;
            let label = if power < 0 { format!("1/{}", 2_i32.pow(power.unsigned_abs())) } else { format!("{value}") };
            area.draw(&Text::new(label, (x - 4, bottom + 1), ("sans-serif", 9).into_font().color(&GREY)))?;
        }
    }
    for (row, bar) in (0..).zip(&panel.bars) {
        let y = i32::try_from(28 + BAR * row)?;
        let color = if bar.value < 1.0 { FASTER } else { SLOWER };
        area.draw(&Text::new(bar.label.as_str(), (12, y + 1), ("sans-serif", 11).into_font()))?;
        area.draw(&Rectangle::new([(axis.x(1.0), y), (axis.x(bar.value), y + 11)], color.filled()))?;
        for (&dot, shade) in bar.dots.iter().zip(shades(bar.dots.len())) {
            area.draw(&Circle::new((axis.x(dot), y + 5), 2, shade.filled()))?;
        }
        let value = format!("{:.2}", bar.value);
        area.draw(&Text::new(value, (RIGHT + 6, y + 1), ("sans-serif", 11).into_font().color(&GREY)))?;
    }
    Ok(())
}

/// From light to dark.
fn shades(count: usize) -> impl Iterator<Item = RGBColor> {
    let step = u8::try_from(170 / count.max(1)).unwrap_or(0);
    (0..count).rev().scan((), move |(), at| u8::try_from(at).ok()).map(move |at| {
        let level = step.saturating_mul(at);
        RGBColor(level, level, level)
    })
}

/// From logarithms to pixels.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    #[expect(clippy::cast_possible_truncation, reason = "within the picture")]
    fn x(&self, value: f64) -> i32 {
        let part = ((value.ln() - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        LEFT + (part * f64::from(RIGHT - LEFT)).round() as i32
    }
}

const WIDTH: u32 = 400;
const HEAD: u32 = 44;
const NOTE: u32 = 16;
const PANEL_HEAD: u32 = 56;
const BAR: u32 = 15;
const LEFT: i32 = 120;
const RIGHT: i32 = 350;
const GREY: RGBColor = RGBColor(90, 90, 90);
const PALE: RGBColor = RGBColor(215, 215, 215);
const FASTER: RGBColor = RGBColor(235, 140, 90);
const SLOWER: RGBColor = RGBColor(144, 176, 210);
