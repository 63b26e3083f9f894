// Composing and reading lines.
#include "events/line.hpp"

#include <charconv>
#include <unordered_map>

namespace muster {
namespace {

/// Walks a line from left to right; every step says what it expects.
class Scanner {
public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  bool number(uint64_t& value) {
    const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (ec != std::errc{} || (rest_[0] == '0' && end != rest_.data() + 1)) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }
  bool number(int64_t& value) {
    const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (ec != std::errc{}) return false;
    const bool zero_first = rest_[0] == '0' || rest_.starts_with("-0");
    if (zero_first && end - rest_.data() > 1) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }
  /// The raw text of a JSON string, without its quotes; escapes stay.
  bool quoted(std::string_view& raw) {
    if (!literal("\"")) return false;
    for (size_t i = 0; i < rest_.size(); i++) {
      if (rest_[i] == '\\') {
        i++;
      } else if (rest_[i] == '"') {
        raw = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The one form that to_rfc3339 writes; the digits are checked by parse_rfc3339.
bool is_canonical_time(std::string_view text) {
  return text.size() == 24 && text[10] == 'T' && text[19] == '.' && text[23] == 'Z' &&
         text.substr(17, 2) != "60";
}

/// A JSON string's raw text with its escapes resolved; nothing when it is not a valid JSON string.
bool unescape(std::string_view raw, std::string& out) {
  const bool plain = raw.find_first_of("\\") == std::string_view::npos;
  if (plain) {
    for (const char c : raw)
      if (static_cast<unsigned char>(c) < 0x20) return false;
    out = raw;
    return is_utf8(raw);
  }
  const auto value = parse_json(std::string("\"").append(raw).append("\""));
  if (!value || !value->is_string()) return false;
  out = value->get<std::string>();
  return true;
}

bool is_type_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos;
}

using Decode = Result<AnyEvent> (*)(std::string_view data);
using Decoders = std::unordered_map<std::string_view, Decode>;

template <size_t I = 1>
void fill(Decoders& decoders) {
  if constexpr (I < std::variant_size_v<AnyEvent>) {
    using Event = std::variant_alternative_t<I, AnyEvent>;
    decoders.emplace(Event::type, [](std::string_view data) -> Result<AnyEvent> {
      auto event = from_json_text<Event>(data);
      if (!event) return event.error();
      return AnyEvent{std::move(*event)};
    });
    fill<I + 1>(decoders);
  }
}

const Decoders& decoders() {
  static const Decoders all = [] {
    Decoders fresh;
    fill(fresh);
    return fresh;
  }();
  return all;
}

Error corrupt(std::string what) {
  return {"log.corrupt", std::move(what), {}};
}

/// The part from `{"seq":` to `"data":`; the reason it is not well formed, or nullptr.
const char* read_head(Scanner& scan, Record& record) {
  std::string_view raw;
  auto& envelope = record.envelope;
  if (!scan.literal("{\"seq\":") || !scan.number(record.seq) || record.seq == 0) return "no seq";
  if (!scan.literal(",\"prev\":") || !scan.quoted(raw) || raw.size() != 64 || !is_lower_hex(raw))
    return "no prev";
  record.prev = raw;
  if (!scan.literal(",\"time\":") || !scan.quoted(raw) || !is_canonical_time(raw)) return "no time";
  const auto time = parse_rfc3339(raw);
  if (!time) return "no time";
  envelope.time = *time;
  if (!scan.literal(",\"epoch\":") || !scan.number(envelope.epoch)) return "no epoch";
  if (!scan.literal(",\"node\":") || !scan.quoted(raw) || !unescape(raw, envelope.node)) return "no node";
  if (!scan.literal(",\"actor\":") || !scan.quoted(raw) || !unescape(raw, envelope.actor)) return "no actor";
  if (scan.literal(",\"request\":") && (!scan.quoted(raw) || !unescape(raw, envelope.request)))
    return "no request";
  if (scan.literal(",\"cause\":")) {
    int64_t cause = 0;
    if (!scan.number(cause) || cause == 0) return "no cause";
    envelope.cause = cause;
  }
  if (!scan.literal(",\"type\":") || !scan.quoted(raw) || !is_type_name(raw)) return "no type";
  record.type = raw;
  if (!scan.literal(",\"stream\":") || !scan.quoted(raw) || !unescape(raw, record.stream)) return "no stream";
  return scan.literal(",\"data\":") ? nullptr : "no data";
}

}  // namespace

std::string_view type_of(const AnyEvent& event) {
  return match(event)([](const UnknownEvent& e) -> std::string_view { return e.name; },
                      [](const auto& e) { return e.type; });
}

std::string stream_of(const AnyEvent& event) {
  return match(event)([](const auto& e) { return e.stream(); });
}

void append_event(std::string& out, const AnyEvent& event) {
  out += "\"type\":\"";
  out += type_of(event);
  out += "\",\"stream\":";
  append_json_string(out, stream_of(event));
  out += ",\"data\":";
  match(event)([&](const auto& e) { append_fields(out, e); });
  out += '}';
}

void append_envelope(std::string& out, const Envelope& envelope) {
  out += "\"time\":\"";
  out += to_rfc3339(envelope.time);
  out += "\",\"epoch\":";
  out += std::to_string(envelope.epoch);
  out += ",\"node\":";
  append_json_string(out, envelope.node);
  out += ",\"actor\":";
  append_json_string(out, envelope.actor);
  if (!envelope.request.empty()) {
    out += ",\"request\":";
    append_json_string(out, envelope.request);
  }
  if (envelope.cause) {
    out += ",\"cause\":";
    out += std::to_string(*envelope.cause);
  }
  out += ',';
}

void append_place(std::string& out, uint64_t seq, const Digest& prev) {
  out += "{\"seq\":";
  out += std::to_string(seq);
  out += ",\"prev\":\"";
  out += to_hex(prev);
  out += "\",";
}

Result<Record> read_line(std::string_view line) {
  Record record;
  Scanner scan{line};
  if (const char* missing = read_head(scan, record)) return corrupt(std::string("not a line: ") + missing);
  auto data = scan.rest();
  if (data.size() < 3 || data.back() != '}') return corrupt("not a line: data does not close");
  data.remove_suffix(1);
  const auto found = decoders().find(record.type);
  if (found == decoders().end()) {
    if (!parse_json(data)) return corrupt("not a line: data is not JSON");
    record.event = UnknownEvent{record.type, record.stream};
    return record;
  }
  auto event = found->second(data);
  if (!event) return corrupt("not a line: data: " + event.error().detail);
  record.event = std::move(*event);
  return record;
}

}  // namespace muster
