//! Files of comma-separated values: where in them something stands, and how they end.

/// A text with an end of its last line: without it a remark there would be read as a record.
pub(crate) fn ended(text: &str) -> impl std::io::Read + '_ {
    std::io::Read::chain(text.as_bytes(), &b"\n"[..])
}

/// The line of a record: its position is before empty lines and remarks that stand above it.
pub(crate) fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 0 };
    let number = |number: u64| usize::try_from(number).unwrap_or_default();
    let from = text.as_bytes().get(number(position.byte())..).unwrap_or_default();
    let skipped =
        from.split(|byte| *byte == b'\n').take_while(|line| line.trim_ascii().is_empty() || line.starts_with(b"#"));
    number(position.line()) + skipped.count()
}
