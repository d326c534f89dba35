//! The whole measurement: three sizes, two shapes, two operations.

use serde::Serialize;

use crate::contestants::{mapped, typed};
use crate::harness::{Operation, Plan, Track, run};
use crate::lane::Lane;
use crate::payload::{basket, reset_link, session};
use crate::verify::verify;

/// The type in which the program holds its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Struct,
    Map,
}

impl Shape {
    pub const ALL: [Self; 2] = [Self::Struct, Self::Map];

    pub fn name(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Map => "map",
        }
    }
}

/// The sizes, as the tables name them.
pub const SIZES: [&str; 3] = ["63 B", "340 B", "2.9 KiB"];

/// One size and shape, with all its lanes.
pub struct Field {
    pub size: &'static str,
    pub shape: Shape,
    pub lanes: Vec<Box<dyn Lane>>,
}

/// The times of one field in one operation.
pub struct Cell {
    pub size: &'static str,
    pub shape: Shape,
    pub operation: Operation,
    pub tracks: Vec<Track>,
}

impl Cell {
    pub fn track(&self, name: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.name == name)
    }
}

/// All lanes at every size and shape.
pub fn fields(extra: bool) -> Vec<Field> {
    let [small, middle, large] = SIZES;
    let field = |size, shape, lanes| Field { size, shape, lanes };
    vec![
        field(small, Shape::Struct, typed(&reset_link(), extra)),
        field(middle, Shape::Struct, typed(&session(), extra)),
        field(large, Shape::Struct, typed(&basket(), extra)),
        field(small, Shape::Map, mapped(&reset_link(), extra)),
        field(middle, Shape::Map, mapped(&session(), extra)),
        field(large, Shape::Map, mapped(&basket(), extra)),
    ]
}

/// Verifies every field, then measures them one after the other.
pub fn measure(fields: &[Field], plan: &Plan) -> Result<Vec<Cell>, String> {
    verify(fields.iter().flat_map(|field| {
        let lanes = field.lanes.iter().map(AsRef::as_ref);
        lanes.collect::<Vec<&dyn Lane>>()
    }))?;
    let mut cells = Vec::new();
    for field in fields {
        for operation in Operation::ALL {
            // Standard output is for the report alone.
            eprintln!(
                "measuring: {} {} as a {}",
                operation.name(),
                field.size,
                field.shape.name()
            );
            cells.push(Cell {
                size: field.size,
                shape: field.shape,
                operation,
                tracks: run(&field.lanes, operation, plan),
            });
        }
    }
    Ok(cells)
}
