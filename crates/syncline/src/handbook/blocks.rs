//! The blocks of code in a page.

/// A block of code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of the page on which its first line stands, counted from 1.
    pub line: usize,
    /// What stands behind the fence; empty for a block that is only indented.
    pub info: String,
    pub text: String,
}

impl Block {
    /// The language that the fence names.
    pub fn language(&self) -> &str {
        self.info.split([',', ' ']).next().unwrap_or_default()
    }

    /// Whether the fence says this of the block: `toml,fragment`.
    pub fn is(&self, word: &str) -> bool {
        self.info.split([',', ' ']).skip(1).any(|said| said == word)
    }
}

/// The blocks of a page: between fences, or indented by four blanks after an empty line.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // The block that is open, with the fence that ends it.
    let mut open: Option<(Block, Option<&str>)> = None;
    let mut before_is_empty = true;
    for (number, line) in (1..).zip(page.lines()) {
        let content = line.trim_start();
        let fence = ["````", "```"].into_iter().find(|fence| content.starts_with(fence));
        match &mut open {
            Some((block, Some(end))) => {
                if content.trim_end() == *end {
                    blocks.extend(open.take().map(|(block, _)| block));
                } else {
                    push(block, line);
                }
            }
            Some((block, None)) if line.is_empty() || line.starts_with("    ") => push(block, line),
            _ => {
                blocks.extend(open.take().map(|(block, _)| block));
                if let Some(fence) = fence {
                    let info = content[fence.len()..].trim().to_owned();
                    open = Some((Block { line: number + 1, info, text: String::new() }, Some(fence)));
                } else if before_is_empty && line.starts_with("    ") {
                    let mut block = Block { line: number, info: String::new(), text: String::new() };
                    push(&mut block, line);
                    open = Some((block, None));
                }
            }
        }
        before_is_empty = line.is_empty();
    }
    blocks.extend(open.map(|(block, _)| block));
    blocks
}

/// What stands between backticks in the rest of a page, with the line on which its paragraph begins.
pub(super) fn code_in_prose(page: &str) -> Vec<(usize, String)> {
    let in_blocks: Vec<_> = blocks(page)
        .iter()
        .map(|block| block.line.saturating_sub(1)..=block.line + block.text.lines().count())
        .collect();
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(page.lines()) {
        let prose = !line.trim().is_empty() && !in_blocks.iter().any(|lines| lines.contains(&number));
        match paragraphs.last_mut() {
            Some((_, text)) if prose && goes_on && !line.starts_with('|') => {
                text.push(' ');
                text.push_str(line.trim());
            }
            _ if prose => paragraphs.push((number, line.to_owned())),
            _ => {}
        }
        goes_on = prose;
    }
    let spans = |(line, text): (usize, String)| {
        let spans: Vec<_> = text.split('`').skip(1).step_by(2).map(|span| (line, span.replace("\\|", "|"))).collect();
        spans
    };
    paragraphs.into_iter().flat_map(spans).collect()
}

fn push(block: &mut Block, line: &str) {
    block.text.push_str(line);
    block.text.push('\n');
}

#[test]
fn blocks_are_found_with_their_lines() {
    let page = "# A\n\n```console\n$ a\n```\n\n    b\n\n    c\ntext\n    no code\n\n- item\n  ```toml,fragment\n  [d]\n  ```\n````md\n```\ne\n````\n";
    let found = blocks(page);
    let found: Vec<_> = found.iter().map(|block| (block.line, block.info.as_str(), block.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (4, "console", "$ a\n"),
            (7, "", "    b\n\n    c\n"),
            (15, "toml,fragment", "  [d]\n"),
            (18, "md", "```\ne\n"),
        ]
    );
    assert!(blocks(page)[2].is("fragment") && blocks(page)[2].language() == "toml");
}

#[test]
fn code_in_prose_is_found_across_lines() {
    let page = "a `b\nc` d\n\n```\n`no`\n```\n| `e` | `f \\| g` |\n| `h` |\n";
    let expected = [(1, "b c"), (7, "e"), (7, "f | g"), (8, "h")].map(|(line, text)| (line, text.to_owned()));
    assert_eq!(code_in_prose(page), expected);
}
