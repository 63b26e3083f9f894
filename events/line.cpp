// Composing and reading lines.
#include "events/line.hpp"

#include <cstring>
#include <unordered_map>

#include "events/canonical.hpp"
#include "events/line_shape.hpp"

namespace muster {
namespace {

/// A string of a line that split_line has checked, with its escapes resolved.
void unescape(std::string_view raw, std::string& out) {
  if (raw.find('\\') == std::string_view::npos) {
    out = raw;
    return;
  }
  const auto value = parse_json(std::string("\"").append(raw).append("\""));
  out = value && value->is_string() ? value->get<std::string>() : std::string(raw);
}

/// True when there is white space outside strings. Inside them only spaces can be, so a text without any is
/// done quickly.
bool has_loose_space(std::string_view json) {
  if (std::memchr(json.data(), ' ', json.size()) != nullptr) {
    bool quoted = false;
    for (size_t i = 0; i < json.size(); i++) {
      if (json[i] == '"')
        quoted = !quoted;
      else if (json[i] == '\\')
        i++;
      else if (json[i] == ' ' && !quoted)
        return true;
    }
  }
  for (const char c : {'\n', '\t', '\r'})
    if (std::memchr(json.data(), c, json.size()) != nullptr) return true;
  return false;
}

Error corrupt(std::string what) {
  return {"log.corrupt", std::move(what), {}};
}

using Decode = Status (*)(std::string_view data, AnyEvent& into);
using Decoders = std::unordered_map<std::string_view, Decode>;

template <size_t I = 1>
void fill(Decoders& decoders) {
  if constexpr (I < std::variant_size_v<EventVariant>) {
    using Event = std::variant_alternative_t<I, EventVariant>;
    decoders.emplace(Event::type, [](std::string_view data, AnyEvent& into) -> Status {
      auto& event = into.emplace<Event>();
      if (CanonicalReader{data}.read_all(event)) return Done{};
      auto read = from_json_text<Event>(data);
      if (!read) return read.error();
      if (has_loose_space(data)) return corrupt("data has white space");
      event = std::move(*read);
      return Done{};
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

}  // namespace

std::string_view type_of(const AnyEvent& event) {
  return match(event)([](const UnknownEvent& e) -> std::string_view { return e.name; },
                      [](const auto& e) { return e.type; });
}

std::string stream_of(const AnyEvent& event) {
  return match(event)([](const auto& e) { return e.stream(); });
}

void append_event(std::string& out, const AnyEvent& event) {
  append_event(out, event, stream_of(event));
}

void append_event(std::string& out, const AnyEvent& event, std::string_view stream) {
  out += "\"type\":\"";
  out += type_of(event);
  out += "\",\"stream\":";
  append_json_string(out, stream);
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
  append_hex(out, prev);
  out += "\",";
}

Result<Record> read_line(std::string_view line) {
  Record record;
  if (auto status = read_line(line, record); !status) return status.error();
  return record;
}

Status read_line(std::string_view line, Record& record) {
  LineShape shape;
  if (const char* wrong = split_line(line, shape)) return corrupt(std::string("not a line: ") + wrong);
  record.kept.reset();
  record.seq = shape.seq;
  record.prev = shape.prev;
  auto& envelope = record.envelope;
  envelope.time = shape.at;
  envelope.epoch = shape.epoch;
  envelope.cause = shape.cause;
  unescape(shape.node, envelope.node);
  unescape(shape.actor, envelope.actor);
  unescape(shape.request, envelope.request);
  unescape(shape.stream, record.stream);
  record.type = shape.type;
  const auto found = decoders().find(shape.type);
  if (found == decoders().end()) {
    if (!is_strict_json(shape.data, kMaxLineDepth - 1)) return corrupt("not a line: data is not strict JSON");
    record.event = UnknownEvent{record.type, record.stream};
    return Done{};
  }
  if (auto status = found->second(shape.data, record.event); !status)
    return corrupt("not a line: data: " + status.error().detail);
  return Done{};
}

}  // namespace muster
