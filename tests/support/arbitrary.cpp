// Generating events field by field.
#include "tests/support/arbitrary.hpp"

#include <array>
#include <set>

namespace muster::arbitrary {
namespace {

namespace gen = rc::gen;

void append_utf8(std::string& out, uint32_t c) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | c >> 6);
    byte(0x80 | (c & 63));
  } else if (c < 0x10000) {
    byte(0xE0 | c >> 12);
    byte(0x80 | (c >> 6 & 63));
    byte(0x80 | (c & 63));
  } else {
    byte(0xF0 | c >> 18);
    byte(0x80 | (c >> 12 & 63));
    byte(0x80 | (c >> 6 & 63));
    byte(0x80 | (c & 63));
  }
}

rc::Gen<uint32_t> code_point() {
  return gen::oneOf(gen::inRange<uint32_t>('a', 'z'), gen::inRange<uint32_t>(0, 0x80),
                    gen::element<uint32_t>('"', '\\', '/', '\n', '\r', '\t', '\b', '\f', 0, 0x1f, 0x7f, '{',
                                           '}', '@', '#', 0x2028, 0xfeff, 0xfffd, 0x1f600, 0x10ffff),
                    gen::inRange<uint32_t>(0x80, 0xd800), gen::inRange<uint32_t>(0xe000, 0x110000));
}

std::string json_text(int depth) {
  std::string out;
  switch (*gen::inRange(0, depth > 0 ? 6 : 4)) {
    case 0:
      return *gen::element<std::string>("null", "true", "false", "0", "-1", "1.5", "0.1", "1e300", "-2.5e-7");
    case 1:
      return std::to_string(*gen::arbitrary<int64_t>());
    case 2:
    case 3:
      append_json_string(out, *text());
      return out;
    case 4: {
      const auto n = *gen::inRange(0, 4);
      for (int i = 0; i < n; i++) out += (i ? "," : "") + json_text(depth - 1);
      return "[" + out + "]";
    }
    default: {
      const auto n = *gen::inRange(0, 4);
      for (int i = 0; i < n; i++) {
        if (i) out += ',';
        append_json_string(out, std::to_string(i) + *text());
        out += ':' + json_text(depth - 1);
      }
      return "{" + out + "}";
    }
  }
}

struct OnlyJson {
  RawJson value;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("value", self.value);
  }
};

/// Fills the fields of an event.
struct Fill {
  Names names;

  void operator()(const char* name, std::string& value) const {
    static const std::set<std::string_view> kNames = {"node", "claim",     "token",  "file",   "name",
                                                      "hash", "component", "member", "secret", "run",
                                                      "step", "group",     "id"};
    if (names == Names::few && kNames.contains(name))
      value = *gen::element<std::string>("a", "b", "c\"d", "é");
    else
      value = *text();
  }
  void operator()(const char*, bool& value) const { value = *gen::arbitrary<bool>(); }
  void operator()(const char* name, uint64_t& value) const {
    const bool few = names == Names::few && std::string_view(name) == "epoch";
    value = few ? *gen::inRange<uint64_t>(0, 100) : *gen::arbitrary<uint64_t>();
  }
  void operator()(const char*, int64_t& value) const { value = *gen::arbitrary<int64_t>(); }
  void operator()(const char*, Time& value) const { value = *time(); }
  void operator()(const char*, RawJson& value) const { value = *gen::oneOf(json(), gen::just(RawJson{})); }
  void operator()(const char*, std::vector<std::string>& value) const {
    value = *gen::container<std::vector<std::string>>(text());
  }
  void operator()(const char*, StringMap& value) const {
    for (const auto& key : *gen::container<std::vector<std::string>>(text())) value[key] = *text();
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) const {
    if (*gen::arbitrary<bool>()) (*this)(name, value.emplace());
  }
  template <HasFields T>
  void operator()(const char*, std::vector<T>& value) const {
    value.resize(*gen::inRange<size_t>(0, 4));
    for (auto& one : value) T::fields(one, *this);
  }
};

template <size_t I = 1, class Filler>
AnyEvent event_at(size_t index, const Filler& fill) {
  if constexpr (I < std::variant_size_v<EventVariant>) {
    if (index != I) return event_at<I + 1, Filler>(index, fill);
    std::variant_alternative_t<I, EventVariant> made;
    made.fields(made, fill);
    return made;
  } else {
    return UnknownEvent{};
  }
}

/// Fills the fields of an event, always alike.
struct Plain {
  void operator()(const char* name, std::string& value) const { value = name; }
  void operator()(const char*, bool& value) const { value = true; }
  void operator()(const char*, uint64_t& value) const { value = 7; }
  void operator()(const char*, int64_t& value) const { value = -7; }
  void operator()(const char*, Time& value) const { value = Time{Millis{1'767'323'045'678}}; }
  void operator()(const char* name, RawJson& value) const {
    value.text = "{\"" + std::string(name) + "\":[1]}";
  }
  void operator()(const char* name, std::vector<std::string>& value) const { value = {name, "\"\n\\"}; }
  void operator()(const char* name, StringMap& value) const { value = {{name, "é"}}; }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) const {
    (*this)(name, value.emplace());
  }
  template <HasFields T>
  void operator()(const char*, std::vector<T>& value) const {
    T::fields(value.emplace_back(), *this);
  }
};

}  // namespace

rc::Gen<std::string> text() {
  return gen::map(gen::resize(12, gen::container<std::vector<uint32_t>>(code_point())),
                  [](const std::vector<uint32_t>& points) {
                    std::string out;
                    for (const auto c : points) append_utf8(out, c);
                    return out;
                  });
}

rc::Gen<Time> time() {
  return gen::map(gen::inRange<int64_t>(0, 253'402'300'800'000),
                  [](int64_t since) { return Time{Millis{since}}; });
}

rc::Gen<RawJson> json() {
  return gen::exec([] {
    const auto read = from_json_text<OnlyJson>("{\"value\":" + json_text(3) + "}");
    RC_ASSERT(static_cast<bool>(read));
    return read->value;
  });
}

rc::Gen<AnyEvent> event(Names names) {
  return gen::exec([names] {
    const auto index = *gen::inRange<size_t>(1, std::variant_size_v<EventVariant>);
    return event_at(index, Fill{names});
  });
}

std::vector<AnyEvent> one_of_each() {
  std::vector<AnyEvent> all;
  for (size_t i = 1; i < std::variant_size_v<EventVariant>; i++) all.push_back(event_at(i, Plain{}));
  return all;
}

rc::Gen<std::vector<Record>> records(Names names) {
  return gen::exec([names] {
    std::vector<Record> all(*gen::inRange<size_t>(0, 120));
    Time now = Time{Millis{1'700'000'000'000}};
    uint64_t epoch = 0;
    for (size_t i = 0; i < all.size(); i++) {
      auto& record = all[i];
      now += Millis{*gen::element<int64_t>(0, 1, 1000, 3'600'000, 100'000'000)};
      record.seq = i + 1;
      record.prev = std::string(64, 'a');
      // Node, actor and stream are never empty, and a cause comes before its effect (docs/log_format.md).
      record.envelope = {
        now, epoch += *gen::inRange<uint64_t>(0, 2), "n" + *text(), "a" + *text(), *text(), std::nullopt};
      if (i > 0 && *gen::inRange(0, 2) == 0) {
        const auto back = *gen::inRange<int64_t>(1, static_cast<int64_t>(i) + 1);
        record.envelope.cause = *gen::inRange(0, 2) == 0 ? -back : static_cast<int64_t>(record.seq) - back;
      }
      record.event =
        *gen::inRange(0, 20) == 0 ? AnyEvent{UnknownEvent{"future.thing", "x/" + *text()}} : *event(names);
      record.type = type_of(record.event);
      record.stream = stream_of(record.event);
    }
    return all;
  });
}

std::string line_of(const Record& record) {
  std::string out;
  append_place(out, record.seq, digest_from_hex(record.prev).value_or(kNoDigest));
  append_envelope(out, record.envelope);
  append_event(out, record.event);
  return out;
}

}  // namespace muster::arbitrary
