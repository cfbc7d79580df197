//! The operator's portal as a browser shows it: the dashboard's figures by the words and links beside them, and the rows
//! behind a link.

use crate::bed::{Bed, openrsp};
use crate::https::Https;

/// A person who is signed in.
pub(super) struct Portal<'s> {
    https: &'s Https,
    cookie: String,
}

/// A number on the dashboard.
#[derive(Debug)]
pub(super) struct Figure {
    /// The list in which it stands.
    pub(super) part: String,
    /// What it is called there.
    pub(super) label: String,
    pub(super) count: u64,
    /// Where it leads.
    pub(super) address: String,
}

/// The dashboard.
pub(super) struct Overview {
    pub(super) figures: Vec<Figure>,
    /// Orders in all states.
    pub(super) total: u64,
    /// Half of the devices took at most so many seconds.
    pub(super) activation: i64,
    /// Where the days begin that it shows, in Unix seconds.
    pub(super) since: i64,
}

impl<'s> Portal<'s> {
    /// Adds a user and signs in with the form.
    pub(super) fn sign_in(bed: &Bed, https: &'s Https, user: &str, tenant: Option<&str>) -> Self {
        let dir = bed.path("server");
        let add = ["operator", "--dir", &dir, "user", "add", user, "--role", "admin"];
        let tenant = tenant.map(|tenant| ["--tenant", tenant]);
        let added = openrsp(add.into_iter().chain(tenant.into_iter().flatten())).ok();
        let password = added["password"].as_str().unwrap();
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "needs no escape in a form");
        let name = added["user"].as_str().unwrap().replace('@', "%40").replace(' ', "+");
        let origin = https.origin();
        let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let answer = https.send("POST", "/sign-in", &headers, &format!("name={name}&password={password}"));
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.head.lines().find_map(|line| line.split_once("set-cookie: ")).unwrap().1;
        Self { https, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn get(&self, address: &str) -> String {
        let answer = self.https.send("GET", address, &[("Cookie", &self.cookie)], "");
        assert_eq!(answer.status, 200, "{address}: {}", answer.body);
        answer.body
    }

    /// The dashboard of so many days, of one tenant if one is chosen.
    pub(super) fn overview(&self, days: u32, tenant: Option<&str>) -> Overview {
        let tenant = tenant.map_or_else(String::new, |tenant| format!("&tenant={tenant}"));
        let page = self.get(&format!("/?days={days}{tenant}"));
        let (_, tiles) = page.split_once("<ul class=\"figures\"").unwrap();
        let (tiles, lists) = tiles.split_once("</ul>").unwrap();
        let mut figures = Vec::new();
        let mut activation = None;
        for tile in tiles.split("<li>").skip(1) {
            let (label, value) = (class(tile, "label"), class(tile, "value"));
            let mut count = number(&value);
            if label == "Activation time" {
                activation = value.strip_suffix(" s").and_then(|seconds| seconds.parse().ok());
                count = number(class(tile, "note-line").split(';').next().unwrap());
            }
            figures.push(Figure { part: "figures".to_owned(), label, count, address: href(tile) });
        }
        let mut total = None;
        for list in lists.split("aria-labelledby=\"").skip(1) {
            let (part, list) = list.split_once('"').unwrap();
            if part == "states" {
                let (label, count) = ("in all".to_owned(), number(&text_of_link(list)));
                figures.push(Figure { part: part.to_owned(), label, count, address: href(list) });
                total = Some(count);
            }
            for line in list.split("<li>").skip(1) {
                // A state is said behind its icon; a bar is named by its link.
                let (label, count) = match line.split_once("<span class=\"state ") {
                    Some((_, mark)) => (between(mark, "</svg>", "<"), text_of_link(line)),
                    None => (text_of_link(line), class(line, "number")),
                };
                figures.push(Figure { part: part.to_owned(), label, count: number(&count), address: href(line) });
            }
        }
        let from = figures.iter().find_map(|figure| figure.address.split_once("from=")).unwrap().1;
        Overview { total: total.unwrap(), activation: activation.unwrap(), since: midnight(&from[..10]), figures }
    }

    /// The ICCIDs of all rows of a list, over all its pages, in order of the ICCIDs.
    pub(super) fn rows(&self, address: &str) -> Vec<String> {
        let (mut iccids, mut next) = (Vec::new(), Some(address.to_owned()));
        while let Some(address) = next {
            let page = self.get(&address);
            if let Some((_, rows)) = page.split_once("<tbody>") {
                for row in rows.split_once("</tbody>").unwrap().0.split("<tr>").skip(1) {
                    iccids.push(between(row, "href=\"/orders/", "\""));
                }
            }
            let pager = page.split_once("<nav class=\"pager\"").unwrap().1;
            next = pager.split("<a ").find(|link| link.contains("rel=\"next\"")).map(href);
        }
        iccids.sort_unstable();
        iccids
    }
}

/// What stands between two texts, as it is read.
#[track_caller]
fn between(html: &str, begin: &str, end: &str) -> String {
    let rest = html.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {html}")).1;
    let text = rest.split_once(end).unwrap_or_else(|| panic!("no {end} behind {begin} in {html}")).0;
    text.replace("&#38;", "&").replace("&amp;", "&").trim().to_owned()
}

/// Where the first link leads; icons have addresses, too.
fn href(html: &str) -> String {
    between(&html[html.find("<a ").unwrap_or_default()..], "href=\"", "\"")
}

fn class(html: &str, name: &str) -> String {
    between(html, &format!("class=\"{name}\">"), "<")
}

fn text_of_link(html: &str) -> String {
    between(&html[html.find("<a ").unwrap()..], ">", "<")
}

/// The digits of a text, whatever stands between thousands.
fn number(text: &str) -> u64 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// Unix seconds at which a day such as `2026-11-20` begins.
fn midnight(date: &str) -> i64 {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(date, format).unwrap().midnight().assume_utc().unix_timestamp()
}
