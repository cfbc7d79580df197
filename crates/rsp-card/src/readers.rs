//! What is decided about PC/SC readers without one: which is meant, and how a command goes over T=0.

/// The numbers of the readers that `wanted` names: one by its number, or all whose names contain it.
pub(crate) fn candidates(readers: &[String], wanted: Option<&str>) -> Vec<usize> {
    let Some(wanted) = wanted else { return (0..readers.len()).collect() };
    if let Ok(number) = wanted.parse::<usize>()
        && number < readers.len()
    {
        return vec![number];
    }
    let wanted = wanted.to_lowercase();
    let matching = readers.iter().enumerate().filter(|(_, name)| name.to_lowercase().contains(&wanted));
    matching.map(|(number, _)| number).collect()
}

/// Readers in an error's text, with the numbers that name them.
pub(crate) fn list(readers: &[String]) -> String {
    readers.iter().enumerate().map(|(number, name)| format!("{} {number}: {name}", separator(number))).collect()
}

fn separator(number: usize) -> &'static str {
    if number == 0 { "" } else { "," }
}

/// A short command of case 4 as T=0 transports it, as case 3 (ISO/IEC 7816-3 12.2.1): the card answers 61xx, and GET
/// RESPONSE brings the data. All other commands as they are.
pub(crate) fn without_le(apdu: &[u8]) -> &[u8] {
    match apdu {
        [_, _, _, _, lc, body @ ..] if *lc != 0 && body.len() == usize::from(*lc) + 1 => &apdu[..apdu.len() - 1],
        _ => apdu,
    }
}

#[cfg(test)]
mod tests {
    use super::{candidates, list, without_le};

    fn readers() -> Vec<String> {
        ["Virtual PCD 00 00", "Virtual PCD 00 01", "ACS ACR39U 01 00"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_reader_is_named_by_its_number_or_by_a_part_of_its_name() {
        assert_eq!(candidates(&readers(), None), [0, 1, 2]);
        assert_eq!(candidates(&readers(), Some("2")), [2]);
        assert_eq!(candidates(&readers(), Some("acr39u")), [2]);
        assert_eq!(candidates(&readers(), Some("virtual")), [0, 1]);
        assert_eq!(candidates(&readers(), Some("00 01")), [1]);
        // No such number, and yet a part of a name.
        assert_eq!(candidates(&readers(), Some("39")), [2]);
        assert!(candidates(&readers(), Some("7")).is_empty());
        assert!(candidates(&readers(), Some("Omnikey")).is_empty());
    }

    #[test]
    fn readers_are_listed_with_their_numbers() {
        assert_eq!(list(&readers()[1..]), " 0: Virtual PCD 00 01, 1: ACS ACR39U 01 00");
    }

    #[test]
    fn only_a_command_of_case_4_loses_its_le() {
        let case_1 = [0x00, 0x44, 0x00, 0x00];
        let case_2 = [0x00, 0xB0, 0x00, 0x00, 0x09];
        let case_3 = [0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00];
        let case_4 = [0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00, 0x00];
        for unchanged in [&case_1[..], &case_2, &case_3] {
            assert_eq!(without_le(unchanged), unchanged);
        }
        assert_eq!(without_le(&case_4), case_3);
        // Not a command, and not for this function to judge.
        assert_eq!(without_le(&[0x00]), [0x00]);
        assert_eq!(without_le(&[0x00, 0xA4, 0x00, 0x04, 0x00, 0x00]), [0x00, 0xA4, 0x00, 0x04, 0x00, 0x00]);
    }
}
