//! Whether the rooms of a module can be durable.
//!
//! *Invariant:* the memory and the mutable globals of an instance of such a module are all of its state.
mod splice;

use std::{fmt, ops::Range};

use stateroom::durable::NotDurable;
use wasmparser::{BinaryReaderError, Chunk, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

pub(crate) use self::splice::{DurableBinary, global_export};
use crate::demangle::source_name;

/// The beginning of the names under which globals are exported; their index follows.
const RESERVED: &str = "stateroom:global:";
/// Maximum number of mutable globals: they are part of each image.
const MAX_GLOBALS: usize = 10_000;

/// Checks whether the rooms of a module, in binary or text form, can be durable: see
/// [`WasmHostConfig::with_durable`](crate::WasmHostConfig::with_durable).
///
/// # Errors
///
/// If they cannot, with the instruction or the declaration that prevents it.
///
/// ```
/// use stateroom_wasm_host::durability;
///
/// let module = b"(module (table 1 funcref) (func $clear (table.set (i32.const 0) (ref.null func))))";
/// let reason = durability(module).unwrap_err().to_string();
/// assert_eq!(reason, "`table.set` in func[0] (clear): an image contains no tables or segments");
/// ```
pub fn durability(module: &[u8]) -> Result<(), NotDurable> {
    let binary = wat::parse_bytes(module).map_err(|error| NotDurable(format!("it is not a module: {error}")))?;
    match survey(&binary) {
        Ok(_) => Ok(()),
        Err(Obstacle::Malformed(error)) => Err(NotDurable(format!("it is not a module: {error}"))),
        Err(obstacle) => Err(NotDurable(obstacle.to_string())),
    }
}

/// The reason why the rooms of a module cannot be durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error(transparent)]
    Malformed(#[from] BinaryReaderError),
    #[error("`{instruction}` in {function}: an image contains no tables or segments")]
    Instruction { instruction: &'static str, function: Function },
    #[error("global[{0}] is a mutable reference: an image contains no references")]
    Reference(u32),
    #[error("it imports the global `{name}` from `{from}`: an image contains no state of another module")]
    ImportedGlobal { from: String, name: String },
    #[error("it has a start function, which would run again whenever a room wakes")]
    Start,
    #[error("it exports `{0}`, a name reserved for the host")]
    ReservedExport(String),
    #[error("it has more than {MAX_GLOBALS} mutable globals")]
    TooManyGlobals,
}

/// A function in a message.
#[derive(Debug)]
pub(crate) struct Function {
    index: u32,
    name: Option<String>,
}

impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "func[{}]", self.index)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(formatter, " ({})", source_name(name)))
    }
}

/// The parts of a module that matter here.
#[derive(Debug, Default)]
struct Survey {
    /// The indices of its mutable globals.
    globals: Vec<u32>,
    /// The position of its section of exports, with the section's header.
    exports: Option<Range<usize>>,
}

fn survey(module: &[u8]) -> Result<Survey, Obstacle> {
    let (mut survey, mut functions) = (Survey::default(), 0);
    for section in sections(module) {
        let (position, payload) = section?;
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => functions += 1,
                        TypeRef::Global(_) => {
                            let (from, name) = (import.module.to_owned(), import.name.to_owned());
                            return Err(Obstacle::ImportedGlobal { from, name });
                        }
                        _ => {}
                    }
                }
            }
            Payload::GlobalSection(globals) => {
                for (index, global) in (0..).zip(globals) {
                    let kind = global?.ty;
                    match kind {
                        _ if !kind.mutable => {}
                        _ if kind.content_type.is_reference_type() => return Err(Obstacle::Reference(index)),
                        _ if survey.globals.len() == MAX_GLOBALS => return Err(Obstacle::TooManyGlobals),
                        _ => survey.globals.push(index),
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let name = export?.name;
                    if name.starts_with(RESERVED) {
                        return Err(Obstacle::ReservedExport(name.to_owned()));
                    }
                }
                survey.exports = Some(position);
            }
            Payload::StartSection { .. } => return Err(Obstacle::Start),
            Payload::CodeSectionEntry(body) => {
                if let Some(instruction) = forbidden_instruction(&body)? {
                    let function = Function { index: functions, name: function_name(module, functions) };
                    return Err(Obstacle::Instruction { instruction, function });
                }
                functions += 1;
            }
            _ => {}
        }
    }
    Ok(survey)
}

/// Returns the sections of a module in binary form, each with its position in the file.
fn sections(module: &[u8]) -> impl Iterator<Item = Result<(Range<usize>, Payload<'_>), BinaryReaderError>> {
    let (mut parser, mut start, mut ended) = (Parser::new(0), 0, false);
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let payload = match parser.parse(module.get(start..)?, true) {
            Ok(Chunk::Parsed { consumed, payload }) => {
                let position = start..start + consumed;
                start = position.end;
                ended = matches!(payload, Payload::End(_));
                Ok((position, payload))
            }
            // Not returned for the end of the data.
            Ok(Chunk::NeedMoreData(_)) => return None,
            Err(error) => {
                ended = true;
                Err(error)
            }
        };
        Some(payload)
    })
}

/// Returns the name of the first instruction that changes state outside of the memory and the globals.
fn forbidden_instruction(body: &FunctionBody<'_>) -> Result<Option<&'static str>, BinaryReaderError> {
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let name = match operators.read()? {
            Operator::TableSet { .. } => "table.set",
            Operator::TableGrow { .. } => "table.grow",
            Operator::TableFill { .. } => "table.fill",
            Operator::TableCopy { .. } => "table.copy",
            Operator::TableInit { .. } => "table.init",
            Operator::ElemDrop { .. } => "elem.drop",
            Operator::DataDrop { .. } => "data.drop",
            _ => continue,
        };
        return Ok(Some(name));
    }
    Ok(None)
}

/// Returns the name of a function, if the module has it.
fn function_name(module: &[u8], index: u32) -> Option<String> {
    let names = sections(module).map_while(Result::ok).find_map(|(_, payload)| match payload {
        Payload::CustomSection(section) => match section.as_known() {
            KnownCustom::Name(names) => Some(names),
            _ => None,
        },
        _ => None,
    })?;
    let functions = names.into_iter().map_while(Result::ok).find_map(|name| match name {
        Name::Function(functions) => Some(functions),
        _ => None,
    })?;
    let function = functions.into_iter().map_while(Result::ok).find(|function| function.index == index)?;
    Some(function.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(module: &str) -> String {
        durability(module.as_bytes()).unwrap_err().0
    }

    #[test]
    fn names_what_an_image_cannot_contain() {
        let in_function = |instruction: &str| {
            obstacle(&format!(
                r#"(module (import "env" "stateroom_send" (func (param i32 i32))) (memory 1) (table $t 2 funcref)
                (elem $e func) (data $d "") (func nop) (func $_ZN4game5clearE {instruction}))"#
            ))
        };
        for (instruction, arguments) in [
            ("table.set", "(i32.const 0) (ref.null func)"),
            ("table.fill", "(i32.const 0) (ref.null func) (i32.const 1)"),
            ("table.copy", "(i32.const 0) (i32.const 0) (i32.const 1)"),
            ("table.init", "$e (i32.const 0) (i32.const 0) (i32.const 0)"),
            ("elem.drop", "$e"),
            ("data.drop", "$d"),
        ] {
            let reason = format!("`{instruction}` in func[2] (game::clear): an image contains no tables or segments");
            assert_eq!(in_function(&format!("({instruction} {arguments})")), reason);
        }
        let grows = in_function("(drop (table.grow (ref.null func) (i32.const 1)))");
        assert!(grows.starts_with("`table.grow` in func[2]"), "{grows}");
        for (module, reason) in [
            (
                "(module (global i32 (i32.const 0)) (global (mut funcref) (ref.null func)))",
                "global[1] is a mutable ref",
            ),
            (r#"(module (import "env" "g" (global i32)))"#, "it imports the global `g` from `env`"),
            ("(module (func $start) (start $start))", "it has a start function"),
            (r#"(module (func (export "stateroom:global:0")))"#, "it exports `stateroom:global:0`"),
            ("(module (func)", "it is not a module: "),
        ] {
            assert!(obstacle(module).starts_with(reason), "{}", obstacle(module));
        }
        assert!(durability(b"\0asm\x01\0\0\0\x0a\x01").unwrap_err().0.starts_with("it is not a module: "));
        let many = "(global (mut i32) (i32.const 0))".repeat(MAX_GLOBALS + 1);
        assert_eq!(obstacle(&format!("(module {many})")), "it has more than 10000 mutable globals");
    }

    #[test]
    fn reads_of_tables_and_segments_do_not_matter() {
        let module = r#"(module (memory 1) (table 1 funcref) (data $d "x") (global funcref (ref.null func))
            (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (drop (table.get (i32.const 0)))))"#;
        assert_eq!(durability(module.as_bytes()), Ok(()));
    }
}
