//! A browser that goes wherever the portal's pages lead, and takes the time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Pages of one kind that are called, for each list of orders in one state from which links lead to them: they differ in what
/// they show.
const OF_A_KIND: usize = 3;

/// Every page that an administrator of a tenant or of the server sees, by its kind: there may be more, and none may be missing.
const PAGES: [&str; 27] = [
    "/",
    "/?days",
    "/account",
    "/batches",
    "/batches/*",
    "/certificates",
    "/events",
    "/events?after",
    "/events?from&kind&outcome&step&until",
    "/import",
    "/keys",
    "/library",
    "/live/hand-out/*",
    "/live/orders/*",
    "/live/overview?days",
    "/log",
    "/log?before",
    "/orders",
    "/orders/*",
    "/orders/*/cancel",
    "/orders/*/hand-out",
    "/orders/*/links",
    "/orders?q",
    "/orders?state",
    "/plans",
    "/provision",
    "/users",
];

/// First digits of an ICCID that are searched for: as few as can be, an odd number, and nearly all.
const ICCID: [usize; 3] = [6, 11, 18];

/// One connection to the portal, signed in.
pub(super) struct Browser {
    stream: BufReader<TcpStream>,
    cookie: String,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Browser {
    pub(super) async fn connect(address: std::net::SocketAddr, cookie: String) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), cookie })
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nAccept: text/html\r\n\r\n", self.cookie);
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            ensure!(head.len() < 64 * 1024, "{path}: the head of the answer does not end");
            head.push(self.stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("{path}: no HTTP"))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, body })
    }

    /// Every page that links lead to, by its kind.
    pub(super) async fn explore(&mut self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        let mut kinds = BTreeMap::<String, Vec<String>>::new();
        let mut found = BTreeMap::<(String, String), usize>::new();
        let (mut known, mut waiting) = (BTreeSet::new(), VecDeque::from([("/".to_owned(), String::new())]));
        while let Some((path, from)) = waiting.pop_front() {
            let kind = kind_of(&path);
            let count = found.entry((kind.clone(), from.clone())).or_default();
            if *count >= OF_A_KIND {
                continue;
            }
            *count += 1;
            let answer = self.get(&path).await?;
            ensure!(answer.status == 200, "{path}: HTTP status {}", answer.status);
            let state = path.split_once("state=").and_then(|(_, state)| state.split('&').next());
            let from = state.map_or(from, str::to_owned);
            let page = String::from_utf8_lossy(&answer.body);
            // No link leads to a search.
            let searches =
                ICCID.iter().filter_map(|digits| Some(format!("/orders?q={}", iccid_of(&path)?.get(..*digits)?)));
            for link in links(&page).into_iter().chain(searches) {
                if known.insert(link.clone()) {
                    waiting.push_back((link, from.clone()));
                }
            }
            kinds.entry(kind).or_default().push(path);
        }
        let missing: Vec<_> = PAGES.into_iter().filter(|page| !kinds.contains_key(*page)).collect();
        ensure!(missing.is_empty(), "nothing leads to {missing:?}; there are {:?}", kinds.keys());
        Ok(kinds)
    }

    /// The times of some calls of a page, sorted.
    pub(super) async fn measure(&mut self, path: &str, calls: u32) -> anyhow::Result<Vec<Duration>> {
        for _ in 0..calls.div_ceil(10) {
            self.get(path).await?;
        }
        let mut times = Vec::new();
        for _ in 0..calls {
            let start = Instant::now();
            let answer = self.get(path).await?;
            times.push(start.elapsed());
            ensure!(answer.status == 200, "{path}: HTTP status {}", answer.status);
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// Which order a page is about.
fn iccid_of(path: &str) -> Option<&str> {
    path.strip_prefix("/orders/").filter(|rest| rest.len() > 17 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A page by what it shows, whatever of: names and numbers in its path are left out.
fn kind_of(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segment = |segment: &str| {
        let named = segment.len() > 14 || segment.contains('%') || segment.bytes().any(|byte| byte.is_ascii_digit());
        if named { "*".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<_> = path.split('/').map(segment).collect();
    let mut keys: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.sort_unstable();
    format!("{}?{}", path.join("/"), keys.join("&")).trim_end_matches('?').to_owned()
}

/// Where the links of a page lead that show pages, neither files to be saved nor what is not the portal's, and where its parts
/// come from that are asked for again and again: here by those who have not seen them yet.
fn links(page: &str) -> Vec<String> {
    let files = [".csv", ".zip", ".pdf", ".png", ".svg", ".eml", ".css", ".js", ".json", ".txt"];
    let mut links = Vec::new();
    for tag in page.split("<a ").skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let Some((_, rest)) = tag.split_once("href=\"") else { continue };
        let Some((link, _)) = rest.split_once('"') else { continue };
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        let path = link.split(['?', '#']).next().unwrap_or_default();
        let page = link.starts_with('/') && !link.starts_with("//") && !tag.contains("download");
        if page && !files.iter().any(|file| path.ends_with(file)) && !path.starts_with("/docs") {
            links.push(link.split('#').next().unwrap_or_default().to_owned());
        }
    }
    for part in page.split("hx-get=\"").skip(1) {
        let Some((link, _)) = part.split_once('"') else { continue };
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        let seen = link.find("&seen=").or_else(|| link.find("?seen="));
        links.push(link[..seen.unwrap_or(link.len())].to_owned());
    }
    links
}

#[cfg(test)]
mod tests {
    use super::{kind_of, links};

    #[test]
    fn pages_are_of_one_kind_whatever_they_are_about() {
        assert_eq!(kind_of("/orders/8949000000000000018"), kind_of("/orders/8949000000000000026"));
        assert_eq!(kind_of("/orders?state=Installed&after=9"), "/orders?after&state");
        assert_eq!(kind_of("/plans"), "/plans");
    }

    #[test]
    fn only_links_to_pages_are_followed() {
        let page = r##"<a class="x" href="/orders?state=A&amp;after=1">a</a> <a href="https://example.com">b</a>
            <a href="/orders.csv">c</a> <a href="/x" download>d</a> <a href="/docs">e</a> <a href="/events#top">f</a>"##;
        assert_eq!(links(page), ["/orders?state=A&after=1", "/events"]);
        let parts =
            r#"<div hx-get="/live/overview?days=7&amp;seen=00ff"></div><div hx-get="/live/orders/1?seen=00ff">"#;
        assert_eq!(links(parts), ["/live/overview?days=7", "/live/orders/1"]);
    }
}
