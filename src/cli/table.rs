//! Tables on a terminal: columns as wide as their widest cell.

/// The lines of a table.
pub(super) fn lines<const N: usize>(table: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}
