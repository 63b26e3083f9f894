// From a profile to steps, and through them.
#include "actors/reconciling.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

namespace muster::actors {

using environment::Ask;

std::vector<Step> steps_of(const std::shared_ptr<ObjectStorage>& storage, const profile::Profile& profile) {
  std::vector<Step> steps;
  for (const auto& bucket : profile.storage) {
    steps.push_back({"bucket", bucket.name, [storage, name = bucket.name](const Ask& ask) {
                       return storage->ensure_bucket(name, ask);
                     }});
    steps.push_back({"versioning", bucket.name,
                     [storage, bucket](const Ask& ask) {
                       return storage->ensure_versioning(bucket.name, bucket.versioned, ask);
                     },
                     true});
    if (!bucket.lifecycle.empty())
      steps.push_back({"lifecycle", bucket.name,
                       [storage, bucket](const Ask& ask) {
                         return storage->ensure_lifecycle(bucket.name, bucket.lifecycle, ask);
                       },
                       true});
    if (!bucket.tags.empty())
      steps.push_back(
        {"tags", bucket.name,
         [storage, bucket](const Ask& ask) { return storage->ensure_tags(bucket.name, bucket.tags, ask); },
         true});
  }
  for (auto& step : steps) step.retry_after = [storage] { return storage->retry_after(); };
  return steps;
}

std::vector<Step> steps_of(const std::shared_ptr<Broker>& bus, const profile::Profile& profile) {
  std::vector<Step> steps;
  if (const auto url = bus->management(); !url.empty())
    steps.push_back({"management", url, [bus](const Ask&) -> Result<environment::Ensured> {
                       if (auto status = bus->look(); !status) return status.error();
                       return environment::Ensured{};
                     }});
  for (const auto& exchange : profile.exchanges)
    steps.push_back({"exchange", exchange.name,
                     [bus, exchange](const Ask& ask) { return bus->ensure_exchange(exchange, ask); }});
  for (const auto& queue : profile.queues)
    steps.push_back(
      {"queue", queue.name, [bus, queue](const Ask& ask) { return bus->ensure_queue(queue, ask); }});
  for (const auto& binding : profile.bindings)
    steps.push_back({"binding", binding.exchange + " -> " + binding.queue + " (" + binding.key + ")",
                     [bus, binding](const Ask& ask) { return bus->ensure_binding(binding, ask); }});
  return steps;
}

std::vector<Step> steps_of(const std::shared_ptr<VectorIndex>& index, const profile::Profile& profile) {
  std::vector<Step> steps;
  for (const auto& spec : profile.classes) {
    steps.push_back(
      {"class", spec.name, [index, spec](const Ask& ask) { return index->ensure_class(spec, ask); }});
    steps.push_back({"properties", spec.name,
                     [index, spec](const Ask& ask) { return index->ensure_properties(spec, ask); }, true});
  }
  for (auto& step : steps) step.retry_after = [index] { return index->retry_after(); };
  return steps;
}

namespace {

using Removal = std::function<Result<environment::Ensured>(const Json& as, const Ask& ask)>;

Step removal_of(const bootstrap::Thing& thing, Removal remove) {
  const auto between = thing.kind == "binding" ? " -> " : "/";
  return {thing.kind, thing.of + between + thing.name,
          [as = thing.as.text, remove = std::move(remove)](const Ask& ask) -> Result<environment::Ensured> {
            const auto read = parse_json(as);
            if (!read || !read->is_object())
              return Error{"internal", "what was added is not on record: it is left alone"};
            return remove(*read, ask);
          }};
}

std::string text_of(const Json& as, const char* member) {
  const auto found = as.find(member);
  return found != as.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::vector<Step> removals_of(const std::shared_ptr<ObjectStorage>& storage,
                              const std::vector<bootstrap::Thing>& things) {
  std::vector<Step> steps;
  for (const auto& thing : things) {
    Removal remove;
    if (thing.kind == "rule")
      remove = [storage](const Json& as, const Ask& ask) {
        const auto days = as.find("expire_days");
        const profile::LifecycleRule rule{
          text_of(as, "id"), text_of(as, "prefix"),
          days != as.end() && days->is_number_integer() ? days->get<int64_t>() : 0};
        return storage->remove_rule(text_of(as, "bucket"), rule, ask);
      };
    else
      remove = [storage](const Json& as, const Ask& ask) {
        return storage->remove_tag(text_of(as, "bucket"), text_of(as, "key"), text_of(as, "value"), ask);
      };
    steps.push_back(removal_of(thing, std::move(remove)));
    steps.back().retry_after = [storage] { return storage->retry_after(); };
  }
  return steps;
}

std::vector<Step> removals_of(const std::shared_ptr<Broker>& bus,
                              const std::vector<bootstrap::Thing>& things) {
  std::vector<Step> steps;
  for (const auto& thing : things)
    steps.push_back(removal_of(thing, [bus, first = steps.empty()](const Json& as, const Ask& ask) {
      if (first) (void)bus->look();  // Each says it when its binding cannot be seen.
      return bus->remove_binding({text_of(as, "exchange"), text_of(as, "queue"), text_of(as, "key")}, ask);
    }));
  return steps;
}

std::vector<Step> steps_of(const std::shared_ptr<Topics>& topics, const profile::Profile& profile) {
  std::vector<Step> steps;
  for (const auto& topic : profile.topics)
    steps.push_back(
      {"topic", topic.name, [topics, topic](const Ask& ask) { return topics->ensure_topic(topic, ask); }});
  for (auto& step : steps) step.retry_after = [topics] { return topics->retry_after(); };
  return steps;
}

namespace {

/// Within each kind, with what follows it, from the first.
std::vector<size_t> order_of(const std::vector<Step>& steps, const Firsts* firsts) {
  std::vector<size_t> order(steps.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto place = [&](size_t i) { return order.begin() + static_cast<ptrdiff_t>(i); };
  for (size_t begin = 0, end = 0; firsts && begin < steps.size(); begin = end) {
    while (end < steps.size() && (steps[end].follows || steps[end].kind == steps[begin].kind)) end++;
    const auto first = firsts->find(steps[begin].kind);
    for (size_t i = begin; first != firsts->end() && i < end; i++)
      if (!steps[i].follows && steps[i].name == first->second) {
        std::rotate(place(begin), place(i), place(end));
        break;
      }
  }
  return order;
}

/// Goes through steps, and says which are not worth asking.
class Taking {
public:
  Taking(const Ask& ask, const Manner& manner) : ask_(ask), manner_(manner) {}

  /// Nothing: it was passed over.
  std::optional<environment::Row> take(const Step& step) {
    if (!step.follows) head_ = &step;
    if (step.follows && fallen_ && step.name == *fallen_) return std::nullopt;
    auto& silent = silent_[step.kind];
    const bool alone = retry_after_ > Millis{0};
    if (alone || silent.in_a_row >= kMostSilent || silent.late >= kMostSilent) {
      // What follows the step that was told to wait would be told so again, before any other.
      if (head_ && (!step.follows || !alone)) not_asked_.try_emplace(head_->kind, step.name);
      return row(step, Error{"unreachable", alone ? "not asked: the server asked to be left alone"
                                                  : "not asked: nobody answered for " +
                                                      std::to_string(kMostSilent) + " others"});
    }
    const auto began = manner_.clock();
    const auto outcome = step.ensure(ask_);
    if (!outcome && manner_.clock() - began >= kLongStep) silent.late++;
    auto told = row(step, outcome);
    // One that answers that it failed with this resource may do well with the next.
    const bool nobody = told.status == "unreachable" && outcome.error().code != "backend.failed";
    silent.in_a_row = nobody ? silent.in_a_row + 1 : 0;
    if (manner_.progress) ++*manner_.progress;
    if (told.status == "unreachable" && step.retry_after) retry_after_ = step.retry_after();
    return told;
  }

  [[nodiscard]] Millis retry_after() const { return retry_after_; }
  [[nodiscard]] Firsts not_asked() const { return not_asked_; }

private:
  environment::Row row(const Step& step, const Result<environment::Ensured>& outcome) {
    if (!step.follows && (!outcome || outcome->outcome == environment::Outcome::incompatible))
      fallen_ = &step.name;
    return environment::row_of(step.kind, step.name, outcome);
  }

  const Ask& ask_;
  const Manner& manner_;
  struct Silent {
    size_t in_a_row = 0, late = 0;
  };
  std::map<std::string_view, Silent> silent_;  // By kind.
  const Step* head_ = nullptr;                 // That does not follow another.
  const std::string* fallen_ = nullptr;        // What follows it is passed over.
  Millis retry_after_{0};
  Firsts not_asked_;
};

}  // namespace

Taken take(const std::vector<Step>& steps, const Ask& ask, const Manner& manner) {
  std::vector<std::optional<environment::Row>> rows(steps.size());
  Taking taking{ask, manner};
  for (const auto i : order_of(steps, manner.firsts)) {
    if (manner.stopping && *manner.stopping) break;
    rows[i] = taking.take(steps[i]);
  }
  Taken taken{{}, taking.retry_after(), taking.not_asked()};
  taken.rows.reserve(steps.size());
  for (auto& row : rows)
    if (row) taken.rows.push_back(std::move(*row));
  return taken;
}

std::vector<Step> writing(const std::vector<Step>& steps, const std::vector<environment::Row>& dry) {
  std::vector<Step> some;
  auto row = dry.begin();
  for (const auto& step : steps) {
    if (row == dry.end() || row->kind != step.kind || row->name != step.name) continue;
    if (row->writes()) some.push_back(step);
    ++row;
  }
  return some;
}

std::vector<environment::Row> settled(std::vector<environment::Row> rows,
                                      const std::map<std::string, Unkept>& unkept) {
  for (auto& row : rows) {
    const auto found = unkept.find(row.name);
    if (found == unkept.end()) continue;
    const auto& [why, written] = found->second;
    // A bucket itself is there once it is made.
    const bool affected =
      written ? row.writes() || row.status == "in_sync" : row.writes() && row.kind != "bucket";
    if (!affected) continue;
    environment::Row failed{row.kind, row.name, "failed",
                            (written ? "it may not outlive a loss of power: " : "it is not kept: ") + why};
    if (written) failed.added = std::move(row.added);
    row = std::move(failed);
  }
  return rows;
}

std::vector<environment::Row> paused(const std::vector<Step>& steps, const std::string& why) {
  std::vector<environment::Row> rows;
  rows.reserve(steps.size());
  for (const auto& step : steps) rows.push_back({step.kind, step.name, "paused", why});
  return rows;
}

}  // namespace muster::actors
