//! What the programs in here share: tables, a picture, and a description of the machine.

pub mod chart;
pub mod machine;
pub mod table;
