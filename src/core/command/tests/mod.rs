//! What people type and what files say, as tables.

mod asking;
mod files;
mod grammar;
mod properties;
mod refused;
mod table;
mod understood;
