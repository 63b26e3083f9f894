// Reading profiles: every fault of a file at once.
#include <algorithm>
#include <map>
#include <set>

#include "domain/index_rules.hpp"
#include "domain/object_reader.hpp"
#include "domain/profile.hpp"
#include "domain/topic_rules.hpp"
#include "domain/yaml.hpp"

namespace muster::profile {
namespace {

using names::pointer_to;

constexpr int64_t kMaxDays = 36'500;
constexpr size_t kMostWarnings = 10;

class Reading {
public:
  explicit Reading(names::Check& check) : check_(check) {}

  Profile profile(const Json& document) {
    ObjectReader root = reader(document, "");
    root.any("generation");
    Profile profile;
    profile.storage = all(root, "storage", &Reading::bucket);
    if (const Json* broker = root.object("broker")) {
      ObjectReader section = reader(*broker, "/broker");
      profile.exchanges = all(section, "exchanges", &Reading::exchange);
      profile.queues = all(section, "queues", &Reading::queue);
      profile.bindings = all(section, "bindings", &Reading::binding);
      section.refuse_unknown();
    }
    if (const Json* index = root.object("index")) {
      ObjectReader section = reader(*index, "/index");
      profile.classes = all(section, "classes", &Reading::index_class);
      section.refuse_unknown();
    }
    profile.topics = all(root, "topics", &Reading::topic);
    profile.modes = modes(root);
    root.refuse_unknown();
    if (entries_ > kMaxEntries) check_.fault("", "has more than " + std::to_string(kMaxEntries) + " entries");
    return profile;
  }

private:
  std::map<std::string, std::string> modes(ObjectReader& root) {
    auto given = root.text_map("modes");
    for (const auto& [component, mode] : given) {
      const auto at = pointer_to("/modes", component);
      check_.one_of(at, component, {"storage", "broker", "index", "topics"});
      check_.one_of(at, mode, {"enforce", "observe"});
    }
    return given;
  }

  ObjectReader reader(const Json& value, std::string at) {
    return {value, std::move(at), check_, TextFrom::scalars};
  }

  template <class T>
  std::vector<T> all(ObjectReader& parent, std::string_view key, T (Reading::*read)(ObjectReader)) {
    std::vector<T> entries;
    std::map<std::string, size_t> first;
    const Json& given = parent.array(key, kMaxEntries);
    const auto at = pointer_to(parent.pointer(), key);
    for (size_t i = 0; i < given.size(); i++) {
      entries_++;
      entries.push_back((this->*read)(reader(given[i], pointer_to(at, i))));
      const auto [field, name] = identity(entries.back());
      if (name.empty()) continue;
      const auto [known, fresh] = first.emplace(name, i);
      if (!fresh)
        check_.fault(
          pointer_to(pointer_to(at, i), field),
          "\"" + name + "\" is also the " + std::string(field) + " of " + pointer_to(at, known->second));
    }
    return entries;
  }

  template <class T>
  static std::pair<std::string_view, std::string> identity(const T& entry) {
    return {"name", entry.name};
  }
  static std::pair<std::string_view, std::string> identity(const IndexClass& spec) {
    return {"name", index_rules::folded(spec.name)};
  }
  static std::pair<std::string_view, std::string> identity(const Property& property) {
    return {"name", index_rules::folded(property.name)};
  }
  static std::pair<std::string_view, std::string> identity(const Topic& topic) {
    return {"name", topics::folded(topic.name)};
  }
  static std::pair<std::string_view, std::string> identity(const LifecycleRule& rule) {
    return {"id", rule.id};
  }
  static std::pair<std::string_view, std::string> identity(const Binding& binding) {
    if (binding.exchange.empty() || binding.queue.empty()) return {"key", ""};
    return {"key", binding.exchange + " -> " + binding.queue + " " + binding.key};
  }

  std::string name(ObjectReader& from, std::string_view key = "name") {
    auto text = from.text(key, Need::required, 255).value_or("");
    if (!text.empty() && !printable(text)) from.complain(key, "has a control or invisible character");
    return text;
  }

  static bool printable(const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  }

  Bucket bucket(ObjectReader from) {
    Bucket made;
    made.name = name(from);
    if (made.name.find('/') != std::string::npos || made.name == "." || made.name == "..")
      from.complain("name", "must not contain '/' or be a folder");
    made.versioned = from.flag("versioned").value_or(false);
    made.lifecycle = all(from, "lifecycle", &Reading::rule);
    made.tags = from.text_map("tags");
    from.refuse_unknown();
    return made;
  }

  LifecycleRule rule(ObjectReader from) {
    LifecycleRule made;
    made.id = name(from, "id");
    made.prefix = from.text("prefix").value_or("");
    made.expire_days = from.integer("expire_days", 1, kMaxDays, Need::required).value_or(0);
    from.refuse_unknown();
    return made;
  }

  Exchange exchange(ObjectReader from) {
    Exchange made{name(from), from.text("type", Need::required).value_or("")};
    if (!made.type.empty() && made.type != "topic" && made.type != "fanout" && made.type != "direct")
      from.complain("type", "must be topic, fanout or direct");
    from.refuse_unknown();
    exchanges_.insert(made.name);
    return made;
  }

  Queue queue(ObjectReader from) {
    Queue made{name(from), from.integer("ttl", 0, kMaxTtl).value_or(0),
               from.text("dlx", Need::optional, 255).value_or("")};
    from.refuse_unknown();
    queues_.insert(made.name);
    return made;
  }

  /// Exchanges that begin with "amq." exist on every broker.
  Binding binding(ObjectReader from) {
    Binding made{name(from, "exchange"), name(from, "queue"),
                 from.text("key", Need::optional, 255).value_or("")};
    if (!made.exchange.empty() && !made.exchange.starts_with("amq.") && !exchanges_.count(made.exchange))
      from.complain("exchange", "no exchange is named \"" + made.exchange + "\"");
    if (!made.queue.empty() && !queues_.count(made.queue))
      from.complain("queue", "no queue is named \"" + made.queue + "\"");
    from.refuse_unknown();
    return made;
  }

  IndexClass index_class(ObjectReader from) {
    IndexClass made;
    made.name = name(from);
    made.properties = all(from, "properties", &Reading::property);
    from.refuse_unknown();
    return made;
  }

  Property property(ObjectReader from) {
    Property made{name(from), from.text("type", Need::required, 255).value_or("")};
    if (const auto fault = index_rules::type_fault(made.type); !made.type.empty() && !fault.empty())
      from.complain("type", fault);
    from.refuse_unknown();
    return made;
  }

  Topic topic(ObjectReader from) {
    Topic made;
    made.name = name(from);
    if (const auto fault = topics::name_fault(made.name); !made.name.empty() && !fault.empty())
      from.complain("name", fault);
    made.partitions = from.integer("partitions", 1, topics::kMaxPartitions).value_or(1);
    made.replication = from.integer("replication", 1, topics::kMaxReplication).value_or(1);
    made.config = from.text_map("config");
    from.refuse_unknown();
    return made;
  }

  names::Check& check_;
  size_t entries_ = 0;
  std::set<std::string> exchanges_, queues_;
};

Result<yaml::Document> read(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{' && text.size() <= kMaxFile) {
    auto json = parse_json(text);
    if (json) return yaml::Document{std::move(*json), {}};
    // Not JSON, but flow YAML also begins with a brace: the YAML reader has the better message then.
  }
  yaml::Limits limits;
  limits.bytes = kMaxFile;
  limits.nodes = 20 * kMaxEntries;
  return yaml::parse(text, limits);
}

}  // namespace

Result<Profile> parse(std::string_view text, std::string_view file) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Profile{};
  auto document = read(text);
  if (!document)
    return Error{"profile.invalid", std::string(file) + ": " + document.error().detail,
                 document.error().fields};
  names::Check check;
  auto profile = Reading(check).profile(document->value);
  if (!check.faults().empty()) return yaml::refusal("profile.invalid", file, check.faults(), *document);
  return profile;
}

/// A broker drops a dead letter whose exchange is not there without a word (backends contract, section 3).
/// Exchanges that begin with "amq." exist on every broker.
std::vector<std::string> warnings(const Profile& profile) {
  std::set<std::string_view> exchanges;
  for (const auto& exchange : profile.exchanges) exchanges.insert(exchange.name);
  std::vector<std::string> all;
  size_t lost = 0;
  for (const auto& queue : profile.queues)
    if (!queue.dlx.empty() && !queue.dlx.starts_with("amq.") && !exchanges.contains(queue.dlx) &&
        lost++ < kMostWarnings)
      all.push_back("dead letters of queue " + Json(queue.name).dump() + " are lost: no exchange is named " +
                    Json(queue.dlx).dump());
  if (lost > kMostWarnings)
    all.push_back("so are those of " + std::to_string(lost - kMostWarnings) + " more");
  return all;
}

}  // namespace muster::profile
