//! Lists of subscribers, as Open5GS writes them.

use rsp_operator::open5gs::{MAX_SUBSCRIBERS, Subscriber, read};

/// 3GPP TS 35.208, test set 1.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OP: &str = "cdc202d5123e20f62b6d676ac72cb318";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// A document as open5gs-dbctl and the portal of Open5GS make it and mongoexport writes it.
fn document(imsi: &str, security: &str) -> String {
    format!(
        r#"{{"_id":{{"$oid":"60969fb8f6e2d8a9e5a2c1d0"}},"schema_version":1,"imsi":"{imsi}","msisdn":["491700000001"],"imeisv":[],
"mme_host":[],"mm_realm":[],"purge_flag":[],"slice":[{{"sst":1,"default_indicator":true,"session":[{{"name":"internet","type":3,
"qos":{{"index":9,"arp":{{"priority_level":8,"pre_emption_capability":1,"pre_emption_vulnerability":2}}}},"pcc_rule":[]}}]}}],
"security":{security},"ambr":{{"downlink":{{"value":1,"unit":3}},"uplink":{{"value":1,"unit":3}}}},"access_restriction_data":32,
"network_access_mode":0,"subscribed_rau_tau_timer":12,"__v":0}}"#
    )
}

fn with_opc(imsi: &str) -> String {
    document(imsi, &format!(r#"{{"k":"{K}","op":null,"opc":"{OPC}","amf":"8000","sqn":{{"$numberLong":"97"}}}}"#))
}

fn check(list: &str, imsis: &[&str]) {
    let read = read(list.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.iter().map(|subscriber| subscriber.imsi.as_str()).collect::<Vec<_>>(), imsis);
    for Subscriber { keys, .. } in &read {
        assert_eq!(hex::encode(**keys), format!("{K}{OPC}"));
    }
}

fn problem(list: &str) -> String {
    let problem = read(list.as_bytes()).err().expect("refused").to_string();
    for digits in [&K[..8], &OP[..8], &OPC[..8], "123456781234"] {
        assert!(!problem.contains(digits), "{problem}");
    }
    problem
}

#[test]
fn op_becomes_the_opc_of_the_published_test_set() {
    check(&document("001010000000001", &format!(r#"{{"k":"{K}","op":"{OP}","opc":null}}"#)), &["001010000000001"]);
    check(&document("001010000000001", &format!(r#"{{"k":"{K}","op":"{OP}","opc":"{OPC}"}}"#)), &["001010000000001"]);
    check(&format!("imsi,k,op\n001010000000001,{K},{OP}"), &["001010000000001"]);
}

#[test]
fn reads_what_mongoexport_writes_line_by_line_and_as_an_array() {
    let (one, two) = (with_opc("001010000000001"), with_opc("001010000000002"));
    let both = ["001010000000001", "001010000000002"];
    check(&format!("{one}\n{two}\n"), &both);
    check(&format!("{}\n{}", one.replace('\n', ""), two.replace('\n', "")), &both);
    check(&format!("[{one},{two}]\n"), &both);
    check(&format!("\u{feff}[\n{one},\n{two}\n]"), &both);
    let grouped = K.as_bytes().chunks(8).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect::<Vec<_>>().join(" ");
    check(&one.replace(K, &grouped.to_uppercase()), &both[..1]);
    let numbers = read(one.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(numbers[0].msisdn, ["491700000001"]);
}

#[test]
fn reads_comma_separated_values_with_and_without_header() {
    let both = ["001010000000001", "001010000000002"];
    for list in [
        format!("imsi,security.k,security.opc\n001010000000001,{K},{OPC}\n001010000000002,{K},{OPC}\n"),
        format!("001010000000001,{K},{OPC}\n001010000000002,{K},{OPC}"),
        format!("001010000000001,10.45.0.2,{K},{OPC}\r\n001010000000002,10.45.0.3,{K},{OPC}\r\n"),
        format!(
            "\u{feff}IMSI;Key;OPc;APN\n001010000000001;{K};{OPC};internet\n# a remark\n\n001010000000002; {K} ;{OPC};ims\n"
        ),
        format!(
            "_id,imsi,msisdn,security.k,security.op,security.opc,security.amf\n\
             ObjectId(1),001010000000001,\"[\"\"491700000001\"\"]\",{K},null,{OPC},8000\n\
             ObjectId(2),001010000000002,[],{K},,{OPC},8000\n"
        ),
    ] {
        check(&list, &both);
    }
}

#[test]
fn a_problem_names_its_line_and_no_key() {
    let good = with_opc("001010000000001");
    let lines = good.matches('\n').count() + 1;
    let after = |bad: String| problem(&format!("{good}\n{bad}"));
    let at = |line: usize, problem: &str| format!("subscribers: line {line}: {problem}");
    let second = |security: &str| after(document("001010000000002", security));
    let next = lines + 1;
    assert_eq!(second(&format!(r#"{{"k":"{K}0","opc":"{OPC}"}}"#)), at(next, "K is no 32 hexadecimal digits"));
    assert_eq!(second(r#"{"k":123456781234,"opc":[{"a":123456781234}]}"#), at(next, "K is no 32 hexadecimal digits"));
    assert_eq!(second(&format!(r#"{{"opc":"{OPC}"}}"#)), at(next, "K is missing"));
    assert_eq!(second(&format!(r#"{{"k":"{K}","op":null}}"#)), at(next, "neither OPc nor OP is there"));
    assert_eq!(
        second(&format!(r#"{{"k":"{K}","op":"{K}","opc":"{OPC}"}}"#)),
        at(next, "OPc is not the one of K and OP")
    );
    assert_eq!(after(good.clone()), at(next, "IMSI 001010000000001 stands on line 1 already"));
    assert_eq!(after(with_opc("00101-0000002")), at(next, "the IMSI is not 6 to 15 digits"));
    assert_eq!(after(good.replace("491700000001", "no number")), at(next, "an MSISDN is not 1 to 15 digits"));
    let unquoted = good.replace("\"001010000000001\"", "123456781234567");
    assert!(after(unquoted).contains("no document of a subscriber"));
    let twice = document("001010000000002", &format!(r#"{{"k":"{K}","k":"{OP}","opc":"{OPC}"}}"#));
    assert!(after(twice).contains("no document of a subscriber"));
    let shell = format!("{{ _id: ObjectId('6096'), imsi: '001010000000002', security: {{ k: '{K}' }} }}");
    assert!(after(shell).starts_with(&at(next, "this is no JSON")));
    assert!(problem(&format!("[{good}")).contains("line"));
    assert!(problem(&format!("[{good},]")).contains(&format!("line {lines}: ")));
    assert!(problem(&format!("[{good}]]")).contains("stands behind"));
    assert!(problem(&"[".repeat(100_000)).contains("line 1: "));
    assert!(problem(&format!("{{\"security\":{}", "[".repeat(100_000))).contains("line 1: "));

    let header = "imsi,k,opc\n";
    assert_eq!(problem(&format!("{header}001010000000001,{K}")), at(2, "it has not as many fields as the first"));
    assert_eq!(problem(&format!("{header}\n001010000000001,{K},secret")), at(3, "OPc is no 32 hexadecimal digits"));
    assert_eq!(problem(&format!("{header}1.01E+12,{K},{OPC}")), at(2, "the IMSI is not 6 to 15 digits"));
    assert!(problem("imsi,k\n1,2").contains("line 1: no column is security.opc"));
    assert!(problem("imsi,k,key,opc\n1,2,3,4").contains("more than one column"));
    assert!(problem("a,b\n").contains("line 1: imsi,key,opc"));
}

#[test]
fn what_holds_nobody_or_too_many_is_refused() {
    for empty in ["", "\n\n", "[]", "[ ]\n", "imsi,k,opc\n", "# nothing\n"] {
        assert_eq!(problem(empty), "subscribers: no subscriber is in it");
    }
    assert!(read(b"\xff\xfe").is_err());
    let many: String = (0..=MAX_SUBSCRIBERS).map(|number| format!("00101{number:010},{K},{OPC}\n")).collect();
    assert!(problem(&many).contains("more than"));
    let line = with_opc("001010000000001").replace('\n', "");
    assert!(problem(&line.repeat(MAX_SUBSCRIBERS + 1)).contains("more than"));
}
