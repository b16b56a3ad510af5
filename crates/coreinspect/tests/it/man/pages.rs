//! The man pages, made from the one definition of the command line, the schema, and a few paragraphs of prose.

use std::collections::BTreeMap;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use coreinspect::cli::{COMMANDS, command};
use coreinspect::layout::BUILTIN;
use serde_json::Value;

/// The day of the last release, or of the work towards the next.
const DATE: &str = "2026-11-24";
const SOURCE: &str = concat!("coreinspect ", env!("CARGO_PKG_VERSION"));

/// Every page that is made, by its file name.
pub(super) fn pages() -> BTreeMap<String, String> {
    // A page has what `-h` leaves out, too.
    let mut root = shown(command());
    root.build();
    let mut pages = BTreeMap::from([("coreinspect.1".to_owned(), main_page(&root))]);
    for row in COMMANDS {
        let command = root.find_subcommand(row.name).unwrap().clone();
        pages.insert(format!("coreinspect-{}.1", row.name), command_page(command, row.examples));
    }
    pages.insert("coreinspect-json.5".to_owned(), json_page());
    pages.insert("coreinspect-layout.5".to_owned(), layout_page());
    pages.into_iter().map(|(name, page)| (name, tidy(&page))).collect()
}

/// `command` with every option that is not hidden altogether.
fn shown(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(shown)
}

/// What clap_mangen writes for groff alone is said once, and no line is longer than mandoc likes.
fn tidy(page: &str) -> String {
    let page = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    let mut tidied = String::new();
    for line in page.lines() {
        let begins_again = line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq");
        if (begins_again && tidied.matches(line).count() > 0)
            || (line == ".PP" && tidied.ends_with("EXAMPLES\n"))
        {
            continue;
        }
        tidied += &if line.starts_with('.') { line.to_owned() } else { wrap(line) };
        tidied += "\n";
    }
    tidied
}

fn wrap(line: &str) -> String {
    const WIDEST: usize = 78;
    let mut wrapped = String::new();
    let mut width = 0;
    for word in line.split(' ') {
        if width > 0 && width + 1 + word.len() > WIDEST {
            // A line that begins so would be a request.
            wrapped += if word.starts_with(['.', '\'']) { "\n\\&" } else { "\n" };
            width = 0;
        } else if !wrapped.is_empty() {
            wrapped.push(' ');
            width += 1;
        }
        wrapped += word;
        width += word.len();
    }
    wrapped
}

fn prose(heading: &str, text: &str) -> String {
    format!(".SH {heading}\n{text}")
}

/// A page of section 1, up to its options.
fn beginning(command: &clap::Command) -> String {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let man = Man::new(command.clone()).title(name.to_uppercase()).section("1").date(DATE);
    let man = man.source(SOURCE).manual("User Commands");
    let mut page = vec![];
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

fn main_page(root: &clap::Command) -> String {
    let mut commands = Roff::new();
    commands.control("SH", ["COMMANDS"]);
    let mut also = vec![];
    for row in COMMANDS {
        let about = root.find_subcommand(row.name).and_then(clap::Command::get_about).unwrap();
        commands.control("TP", []);
        commands.text([bold(format!("coreinspect-{}", row.name)), roman("(1)")]);
        commands.text([roman(about.to_string())]);
        also.push(format!("coreinspect-{}(1)", row.name));
    }
    also.extend(
        ["coreinspect-json(5)", "coreinspect-layout(5)", "core(5)", "gcore(1)", "shmget(2)"]
            .map(str::to_owned),
    );
    also.extend(["coredumpctl(1)".to_owned(), "sysvipc(7)".to_owned()]);
    let (_, examples) =
        root.get_after_long_help().unwrap().to_string().split_once("Examples:\n").map(own).unwrap();
    [
        beginning(root),
        commands.to_roff(),
        prose("EXIT STATUS", include_str!("status.roff")),
        prose("ENVIRONMENT", include_str!("environment.roff")),
        prose("FILES", include_str!("files.roff")),
        self::examples(&examples),
        see_also(&also),
    ]
    .concat()
}

fn own((first, rest): (&str, &str)) -> (String, String) {
    (first.to_owned(), rest.to_owned())
}

fn command_page(command: clap::Command, examples: &str) -> String {
    let also = ["coreinspect(1)", "coreinspect-json(5)"].map(str::to_owned);
    let status = ".TP\n.B 0\nFound, or done.\n.TP\n.B 1\nRead well, but there is nothing.\n.TP\n.B 2\nIt could not be done.\n";
    let more = ".PP\n.BR coreinspect (1)\ntells more of them, of the environment and of files.\n";
    [
        beginning(&command),
        prose("EXIT STATUS", &format!("{status}{more}")),
        self::examples(examples),
        see_also(&also),
    ]
    .concat()
}

fn examples(lines: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for line in lines.lines() {
        roff.control("PP", []);
        roff.control("in", ["+4n"]);
        roff.control("EX", []);
        roff.text([roman(line.trim())]);
        roff.control("EE", []);
        roff.control("in", []);
    }
    roff.to_roff()
}

fn see_also(pages: &[String]) -> String {
    let mut lines: Vec<_> = pages
        .iter()
        .map(|page| {
            let (name, section) = page.split_once('(').unwrap();
            (section.to_owned(), format!(".BR {} ({section}", name.replace('-', "\\-")))
        })
        .collect();
    // Section by section and in each by the alphabet (man-pages(7)).
    lines.sort();
    let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
    format!(".SH SEE ALSO\n{}\n", lines.join(" ,\n").replace(" ,", ","))
}

/// A page of section 5, up to its prose.
fn format_page(name: &str, about: &str, prose: &str) -> String {
    let mut roff = Roff::new();
    roff.control("TH", [name.to_uppercase().as_str(), "5", DATE, SOURCE, "File Formats"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {about}"))]);
    roff.to_roff() + prose
}

fn layout_page() -> String {
    let about = "what the bytes of a shared memory segment mean";
    let page = format_page("coreinspect-layout", about, include_str!("layout.roff"));
    let mut layouts = Roff::new();
    layouts.control("SH", ["LAYOUTS"]);
    for layout in BUILTIN {
        layouts.control("TP", []);
        layouts.text([bold(layout.name())]);
        layouts.text([roman(layout.about())]);
    }
    page + &layouts.to_roff() + &see_also(&["coreinspect(1)", "coreinspect-json(5)"].map(str::to_owned))
}

fn json_page() -> String {
    let schema: Value = serde_json::from_str(include_str!("../../../schema/coreinspect-1.json")).unwrap();
    let about = "what coreinspect prints for machines";
    let mut page = format_page("coreinspect-json", about, include_str!("json.roff"));
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        page += &object(name, definition);
    }
    page + &see_also(&["coreinspect(1)", "coreinspect-schema(1)", "jq(1)"].map(str::to_owned))
}

/// The section of an object of the schema.
fn object(name: &str, definition: &Value) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [format!("THE OBJECT {}", name.to_uppercase().replace('_', " ")).as_str()]);
    if let Some(description) = definition["description"].as_str() {
        roff.text([roman(description)]);
    }
    fields(definition, &mut roff);
    roff.to_roff()
}

fn fields(definition: &Value, roff: &mut Roff) {
    for (field, schema) in definition["properties"].as_object().into_iter().flatten() {
        roff.control("TP", []);
        roff.text([bold(field.as_str())]);
        let optional =
            !definition["required"].as_array().into_iter().flatten().any(|name| name == field.as_str());
        let described = schema["description"].as_str().or_else(|| schema["items"]["description"].as_str());
        let described = described.map_or_else(String::new, |text| format!(" {text}"));
        let optional = if optional { " Not always there." } else { "" };
        roff.text([italic(kind(schema)), roman(format!(".{described}{optional}"))]);
        let inner = if schema["items"]["properties"].is_object() { &schema["items"] } else { schema };
        if inner["properties"].is_object() {
            roff.control("RS", []);
            fields(inner, roff);
            roff.control("RE", []);
        }
    }
}

/// What a value may be, in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap().replace('_', " ");
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ => return "any value".to_owned(),
    };
    let named = types.into_iter().map(|one| match one {
        "array" => format!("array of {}", kind(&schema["items"])),
        one => one.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}
