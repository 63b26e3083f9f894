// Help for people: the verbs, and one verb.
#include "app/cli/help.hpp"

#include <algorithm>
#include <ostream>

namespace muster::cli {
namespace {

/// `text` broken between words so that it fits behind `indent` columns.
std::string wrapped(std::string_view text, size_t indent, size_t width) {
  if (width <= indent + 20) return std::string{text};
  std::string out;
  size_t column = indent;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const size_t length = end - at;
    if (column > indent && column + 1 + length > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      column++;
    }
    out += text.substr(at, length);
    column += length;
    at = end + 1;
  }
  return out;
}

struct Line {
  std::string left;
  std::string right;
};

void print_lines(const Io& io, const std::vector<Line>& lines) {
  constexpr size_t kMostLeft = 36;
  size_t left = 0;
  for (const auto& line : lines)
    if (line.left.size() <= kMostLeft) left = std::max(left, line.left.size());
  const size_t indent = 2 + left + 2;
  for (const auto& line : lines) {
    io.out << "  " << line.left;
    if (line.left.size() > left)
      io.out << "\n" << std::string(indent, ' ');
    else
      io.out << std::string(left - line.left.size() + 2, ' ');
    io.out << wrapped(line.right, indent, io.terminal.width) << '\n';
  }
}

std::string_view placeholder(config::Type type) {
  switch (type) {
    case config::Type::boolean:
      return "";
    case config::Type::integer:
      return " N";
    case config::Type::duration:
      return " TIME";
    case config::Type::bytes:
      return " SIZE";
    case config::Type::text:
      break;
  }
  return " TEXT";
}

Line line_of(const config::Setting& setting) {
  Line line{"--" + std::string{setting.name} + std::string{placeholder(setting.type)},
            std::string{setting.help}};
  for (const auto alias : setting.aliases) line.left += ", --" + std::string{alias};
  std::string notes;
  const auto note = [&](const std::string& text) { notes += (notes.empty() ? "" : "; ") + text; };
  std::string choices;
  for (const auto choice : setting.choices) choices += (choices.empty() ? "" : "|") + std::string{choice};
  if (!choices.empty()) note(choices);
  if (!setting.fallback.empty() && setting.type != config::Type::boolean)
    note("default " + std::string{setting.fallback});
  if (!setting.variables.empty()) note("$" + std::string{setting.variables.front()});
  if (!notes.empty()) line.right += " [" + notes + "]";
  return line;
}

Line line_of(const Flag& flag) {
  Line line{"--" + std::string{flag.name}, std::string{flag.help}};
  if (!flag.value.empty()) line.left += " " + std::string{flag.value};
  return line;
}

}  // namespace

void print_overview(const Io& io) {
  io.out << "muster turns machines into one control plane.\n\n"
         << painted("Usage", Colour::bold, io.terminal) << "\n  muster :verb [words] [flags]\n\n"
         << painted("Verbs", Colour::bold, io.terminal) << '\n';
  std::vector<Line> lines;
  for (const auto& verb : verbs()) lines.push_back({std::string{verb.name}, std::string{verb.summary}});
  lines.push_back({"completion SHELL", "Print the completion script of bash, zsh, fish or powershell"});
  print_lines(io, lines);
  io.out << "\nEvery verb takes --json and --help. Flags, MUSTER_* variables and muster.yaml name the same "
            "settings.\nExit status: 0 done, 1 failed, 2 usage, 3 denied, 4 precondition or conflict, "
            "5 unavailable.\n\n"
         << painted("Example", Colour::bold, io.terminal) << "\n  muster :serve --dev\n  muster :status\n";
}

void print_help(const Verb& verb, const Io& io) {
  const auto title = [&](std::string_view text) {
    io.out << '\n' << painted(text, Colour::bold, io.terminal) << '\n';
  };
  io.out << verb.summary << ".\n";
  title("Usage");
  io.out << "  muster " << verb.name << (verb.usage.empty() ? "" : " ") << verb.usage << " [flags]\n";
  title("Flags");
  std::vector<Line> lines;
  for (const auto& flag : verb.flags) lines.push_back(line_of(flag));
  lines.push_back({"--json", "Print JSON"});
  lines.push_back({"--config FILE", "Read this muster.yaml [$MUSTER_CONFIG]"});
  lines.push_back({"--help", "Print this"});
  print_lines(io, lines);
  lines.clear();
  for (const auto* setting : settings_of(verb)) lines.push_back(line_of(*setting));
  if (!lines.empty()) {
    title("Settings (also MUSTER_NAME in the environment and name: in muster.yaml)");
    print_lines(io, lines);
  }
  title("Example");
  size_t at = 0;
  while (at < verb.example.size()) {
    const auto end = std::min(verb.example.find('\n', at), verb.example.size());
    io.out << "  " << verb.example.substr(at, end - at) << '\n';
    at = end + 1;
  }
}

}  // namespace muster::cli
