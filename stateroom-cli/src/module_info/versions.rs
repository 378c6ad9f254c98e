//! The versions that a module declares: numbers in its initial memory.
use wasmparser::{ConstExpr, DataKind, ExternalKind, Operator};

use super::sections::Sections;

/// Returns the i32 in memory whose address an exported global holds. `None` if it is only known after running the module.
pub(super) fn number(sections: &Sections<'_>, export: &str) -> Option<i32> {
    let export = sections.exports.iter().find(|found| found.name == export && found.kind == ExternalKind::Global)?;
    let global = (export.index as usize).checked_sub(sections.imported_globals())?;
    let address = constant(&sections.globals.get(global)?.init_expr)?;
    let mut bytes = [0; 4];
    for data in &sections.data {
        let DataKind::Active { offset_expr, .. } = &data.kind else { return None };
        let start = constant(offset_expr)?;
        for (byte, at) in bytes.iter_mut().zip(address..) {
            let found = at.checked_sub(start).and_then(|at| data.data.get(at));
            *byte = found.copied().unwrap_or(*byte);
        }
    }
    Some(i32::from_le_bytes(bytes))
}

/// Returns the value of a constant expression.
fn constant(expression: &ConstExpr<'_>) -> Option<usize> {
    match expression.get_operators_reader().read().ok()? {
        Operator::I32Const { value } => Some(value as u32 as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(text: &str) -> Option<i32> {
        let bytes = wat::parse_str(format!("(module {text})")).unwrap();
        number(&Sections::read(&bytes).unwrap(), "V")
    }

    #[test]
    fn numbers_are_read_from_the_data() {
        let global = r#"(memory 1) (global (export "V") i32 (i32.const 8))"#;
        for (data, expected) in [
            (r#"(data (i32.const 8) "\01\00\00\00")"#, Some(1)),
            (r#"(data (i32.const 6) "xx\02\01")"#, Some(258)),
            (r#"(data (i32.const 8) "\07") (data (i32.const 8) "\09")"#, Some(9)),
            ("", Some(0)),
            // Passive data is copied by code.
            (r#"(data "\01")"#, None),
        ] {
            assert_eq!(number_of(&format!("{global} {data}")), expected, "{data}");
        }
    }

    #[test]
    fn other_exports_have_no_number() {
        for text in ["", r#"(func (export "V"))"#, r#"(import "a" "b" (global $g i32)) (export "V" (global $g))"#] {
            assert_eq!(number_of(text), None, "{text}");
        }
    }
}
