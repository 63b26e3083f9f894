// Pruning this node's environment over HTTP: what a dry run showed is taken away, in the name of who asked.
#include <memory>
#include <set>

#include "domain/bootstrap.hpp"
#include "http/environment_shown.hpp"

namespace muster::http {
namespace {

using environment::Report;

/// POST /v1/environment/prune.
struct PruneBody {
  bool dry_run = false;
  std::string component;  ///< Empty: all of them.
  std::string diff;       ///< The hash of what a dry run showed.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dry_run", self.dry_run);
    visit("component", self.component);
    visit("diff", self.diff);
  }
};

/// A prune on its way: the dry run, the intent in the log, the removal, and what came of it in the log; in
/// the name of who asked.
class Prune : public std::enable_shared_from_this<Prune> {
public:
  Prune(Api& api, Environment& environment, const Request& request, Reply reply, PruneBody wanted)
    : api_(api),
      environment_(environment),
      reply_(std::move(reply)),
      wanted_(std::move(wanted)),
      principal_(request.principal),
      id_(request.id) {}

  void begin(const std::optional<environment::Component>& only) {
    const auto views = api_.system().views();
    for (const auto component : environment::kComponents)
      if (!only || *only == component)
        removals_[component] = view<bootstrap::View>(*views).added_by(
          environment_.node(), environment::to_text(component), environment_.endpoint(component));
    prune(true, [self = shared_from_this()](std::vector<Report> reports) { self->judge(reports); });
  }

private:
  void prune(bool dry_run, std::function<void(std::vector<Report>)> then) {
    if (const auto begun = environment_.prune(dry_run, removals_, std::move(then)); !begun)
      refuse(begun.error());
  }

  void refuse(const Error& why) { reply_(problem(why, id_)); }

  void judge(const std::vector<Report>& dry) {
    diff_ = environment::diff_hash(dry);
    if (wanted_.dry_run) return answer(dry);
    if (wanted_.diff != diff_)
      return refuse({"environment.changed",
                     "what would be removed is another diff than the one that was named: " + diff_,
                     {{"/diff", "is not the hash of what would be removed now"}}});
    removals_ = environment::things_of(dry, "changed");  // Nothing goes that was not shown.
    gone_ = environment::things_of(dry, "in_sync");
    for (const auto& report : dry)
      if (report.count("changed") > 0) {
        intended_.insert(report.component);
        intents_.push_back(intent_of(report));
      }
    intend();
  }

  [[nodiscard]] Json intent_of(const Report& report) const {
    Json resources = Json::array();
    for (const auto& row : report.rows)
      if (row.status == "changed" && resources.size() < bootstrap::kMaxResources)
        resources.push_back(row.kind + " " + row.name);
    return {{"node_id", environment_.node()},
            {"component", environment::to_text(report.component)},
            {"action", "prune"},
            {"status", "intended"},
            {"backend", report.backend},
            {"generation", report.generation},
            {"idempotency_key", diff_ + "@" + to_rfc3339(report.at)},
            {"resources", std::move(resources)},
            {"total", report.count("changed")}};
  }

  /// Nothing is removed before all of them are in the log.
  void intend() {
    if (intents_.empty())
      return prune(false,
                   [self = shared_from_this()](std::vector<Report> reports) { self->record(reports); });
    auto body = text_of(intents_.back());
    intents_.pop_back();
    ask("/v1/bootstrap/events", std::move(body), [self = shared_from_this()] { self->intend(); });
  }

  void record(const std::vector<Report>& done) {
    done_ = done;
    for (const auto& report : done) {
      bootstrap::Removed removed{environment_.node(),
                                 std::string(environment::to_text(report.component)),
                                 report.backend,
                                 !environment::is_embedded(report.backend),
                                 diff_,
                                 {},
                                 report.endpoint};
      bool due = intended_.contains(report.component);  // Also when it failed: the intent is over.
      auto& gone = gone_[report.component];
      for (const auto& thing : report.added()) gone.push_back(thing);
      for (const auto& thing : gone) {
        removed.things.push_back(thing);
        if (removed.things.size() < bootstrap::kMaxThings) continue;
        due = false;
        records_.push_back(to_json_text(removed));
        removed.things.clear();
      }
      if (due || !removed.things.empty()) records_.push_back(to_json_text(removed));
    }
    tell();
  }

  void tell() {
    if (records_.empty()) return answer(done_);
    auto body = std::move(records_.back());
    records_.pop_back();
    ask("/v1/bootstrap/removed", std::move(body), [self = shared_from_this()] { self->tell(); });
  }

  void ask(std::string path, std::string body, std::function<void()> then) {
    Api::InsideRequest request;
    request.path = std::move(path);
    request.body = std::move(body);
    request.principal = principal_;
    request.id = id_;
    api_.ask_inside(std::move(request), [self = shared_from_this(), then = std::move(then)](Response said) {
      if (said.status < 300) return then();
      self->reply_(std::move(said));
    });
  }

  void answer(const std::vector<Report>& reports) {
    Json components = Json::array();
    for (const auto& report : reports) components.push_back(shown(report, true));
    reply_(json_response(
      text_of({{"node_id", environment_.node()}, {"diff", diff_}, {"components", std::move(components)}})));
  }

  Api& api_;
  Environment& environment_;
  const Reply reply_;
  const PruneBody wanted_;
  const Principal principal_;
  const std::string id_;
  environment::Removals removals_, gone_;  // Gone is what was so before anything was removed.
  std::string diff_;
  std::vector<Json> intents_;
  std::set<environment::Component> intended_;
  std::vector<std::string> records_;
  std::vector<Report> done_;
};

void prune_route(Api& api, const Request& request, const Reply& reply) {
  auto wanted = read_body<PruneBody>(request, reply, Unknown::refuse);
  if (!wanted) return;
  auto* environment = environment_of(api, request, reply);
  if (!environment) return;
  const auto only = only_of(wanted->component);
  if (!only) return reply(problem(only.error(), request.id));
  if (!wanted->dry_run && wanted->diff.empty())
    return reply(problem({"field.invalid",
                          "a prune needs the hash of the diff that a dry run showed",
                          {{"/diff", "is required"}}},
                         request.id));
  std::make_shared<Prune>(api, *environment, request, reply, std::move(*wanted))->begin(*only);
}

}  // namespace

void add_prune_routes(Api& api) {
  api.router().add({Method::post, "/v1/environment/prune",
                    [&api](const Request& q, const Reply& r) { prune_route(api, q, r); }, "admin", true,
                    true});
}

}  // namespace muster::http
