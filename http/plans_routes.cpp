// Plans over HTTP: what a node shall run, what nodes were given, which templates there are.
#include "domain/names.hpp"
#include "domain/plan_document.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

/// POST /v1/nodes/plan (supervisor contract, section 4). `caps` and `capabilities` are synonyms.
struct PlanBody {
  std::string node_id, role_hint, labels;
  RawJson caps, capabilities;  ///< The first one counts.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("role_hint", self.role_hint);
    visit("labels", self.labels);
    visit("caps", self.caps);
    visit("capabilities", self.capabilities);
  }
};

/// A plan that was given, as GET /v1/plans shows it.
struct Given {
  std::string node_id, file, generation, role;
  std::vector<std::string> services;
  uint64_t epoch = 0;
  Time issued_at{};
  uint64_t seq = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("template", self.file);
    visit("generation", self.generation);
    visit("role", self.role);
    visit("services", self.services);
    visit("epoch", self.epoch);
    visit("issued_at", self.issued_at);
    visit("seq", self.seq);
  }
};

/// A template file as GET /v1/templates shows it.
struct TemplateRow {
  std::string file, generation;
  bool ok = false;
  Time loaded_at{};
  std::string error;
  Time error_at{};
  RawJson apps;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file);
    visit("generation", self.generation);
    visit("ok", self.ok);
    visit("loaded_at", self.loaded_at);
    visit("error", self.error);
    visit("error_at", self.error_at);
    visit("apps", self.apps);
  }
};

Given given(const std::string& node, const plans::View::Given& row) {
  const auto& plan = *row.plan;
  return {node, plan.file, plan.generation, plan.role, plan.services, plan.epoch, row.at, row.seq};
}

/// What a node asked for.
struct Question {
  std::string node, role_hint;
  std::optional<std::string> file;  ///< The template; nothing when none matches.
};

/// A plan made from the views, and what it was made from.
struct Made {
  std::string document;
  Fresh<PlansDomain> fresh;
};

Result<Question> question_of(PlanBody body) {
  names::Check check;
  check.id("/node_id", body.node_id);
  check.text("/role_hint", body.role_hint);
  check.object("/caps", body.caps);
  check.object("/capabilities", body.capabilities);
  if (auto status = check.done(); !status) return status.error();
  int64_t devices = 0;
  const bool short_name = !body.caps.text.empty();
  if (const auto& given = short_name ? body.caps : body.capabilities; !given.text.empty()) {
    const auto capabilities = parse_json(given.text);
    if (!capabilities) return capabilities.error();
    const auto found = plan::video_devices(*capabilities);
    if (!found)
      check.fault(short_name ? "/caps/video_devices" : "/capabilities/video_devices",
                  "must be a number, not below 0, or an array");
    devices = found.value_or(0);
  }
  if (auto status = check.done(); !status) return status.error();
  auto file = plan::select_template(body.role_hint, devices);
  return Question{std::move(body.node_id), std::move(body.role_hint), std::move(file)};
}

/// The version of `stream` that `views` were made with. A newer one on disk is not in the views yet: then a
/// version that cannot hold any more, so that the decision is made again.
Expectation expect(const System& system, const ViewSet& views, std::string stream) {
  const auto version = std::min(system.chain().version(stream), views.seq);
  return {std::move(stream), version};
}

/// The last good apps of a template, also when its file broke since.
Result<std::vector<plan::App>> apps_of(const plans::View& plans, const std::string& file) {
  const auto* source = plans.templates.find(file);
  if (!source) return Error{"plan.template.invalid", file + " was not read yet", {}};
  const auto& read = **source;
  if (read.generation.empty()) return Error{"plan.template.invalid", read.error, {}};
  const auto json = parse_json(read.content.text);
  if (!json) return json.error();
  return plan::apps_from_json(*json);
}

Result<Made> make_plan(const Api& api, const System& system, const Question& question) {
  const auto views = system.views();
  const auto& lease = view<lease::View>(*views);
  Made made;
  plan::DocumentInput input;
  made.fresh.expects.push_back(expect(system, *views, "lease/leader"));
  if (question.file) {
    made.fresh.expects.push_back(expect(system, *views, "template/" + *question.file));
    auto apps = apps_of(view<plans::View>(*views), *question.file);
    if (!apps) return apps.error();
    input.apps = std::move(*apps);
    input.template_file = *question.file;
  }
  input.node = question.node;
  input.role_hint = question.role_hint;
  input.holds_lease = lease.held() && lease.holder.node == question.node;
  input.control_plane_url = api.options().control_plane_url;
  input.gateway_url = api.options().gateway_url;
  input.cluster = view<cluster::View>(*views).identity->cluster;
  input.epoch = lease.holder.epoch;
  input.ttl_seconds = static_cast<int>(api.options().node_ttl.count() / 1000);
  const auto document = plan::plan_document(input);
  if (!document) return document.error();

  plans::Issued issued{input.node,
                       input.template_file,
                       (*document)["generation"].get<std::string>(),
                       (*document)["role"].get<std::string>(),
                       {},
                       input.epoch};
  for (const auto& service : (*document)["services"]) issued.services.push_back(service.get<std::string>());
  made.fresh.command = plans::Command{plans::Issue{std::move(issued)}};
  made.document = document->dump();
  return made;
}

/// Answers with the document that was committed: the last one that was made.
void plan_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<PlanBody>(request, reply);
  if (!body) return;
  auto question = question_of(std::move(*body));
  if (!question) return reply(problem(question.error(), request.id));
  if (api.options().plan_requires_registration &&
      !view<nodes::View>(*api.system().views()).nodes.contains(question->node))
    return reply(problem({"node.unknown", "node " + question->node + " is not registered", {}}, request.id));
  auto first = make_plan(api, api.system(), *question);
  if (!first) return reply(problem(first.error(), request.id));
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  auto made = std::make_shared<Made>(std::move(*first));
  auto answer =
    api.answer_to(request, reply, [made](const Receipt&) { return json_response(made->document); });
  if (!answer) return;
  const auto again = [&api, made, question = std::move(*question), begun = false]() mutable {
    if (std::exchange(begun, true))
      if (auto next = make_plan(api, api.system(), question)) *made = std::move(*next);
    return made->fresh;
  };
  api.system().ask_reading(again, std::move(*origin), std::move(*answer));
}

void one_route(Api& api, const Request& request, const Reply& reply) {
  api.show(request, reply,
           [node = std::string(request.param("node")), id = std::string(request.id)](const ViewSet& views) {
             const auto* row = view<plans::View>(views).issued.find(node);
             if (!row) return problem({"not.found", "node " + node + " was given no plan", {}}, id);
             return json_response(to_json_text(given(node, *row)));
           });
}

}  // namespace

void add_plan_routes(Api& api) {
  auto& router = api.router();
  for (const auto* path : {"/v1/nodes/plan", "/plan"})
    router.add({Method::post, path, [&api](const Request& q, const Reply& r) { plan_route(api, q, r); },
                "plan.read", true});
  router.add({Method::get, "/v1/plans",
              [&api](const Request& q, const Reply& r) { show_rows(api, q, r, &plans::View::issued, given); },
              "read"});
  router.add({Method::get, "/v1/plans/{node}",
              [&api](const Request& q, const Reply& r) { one_route(api, q, r); }, "read"});
  router.add({Method::get, "/v1/templates",
              [&api](const Request& q, const Reply& r) {
                show_rows(api, q, r, &plans::View::templates,
                          [](const std::string& file, const Shared<plans::View::Source>& source) {
                            return TemplateRow{
                              file,          source->generation, source->ok,     source->loaded_at,
                              source->error, source->error_at,   source->content};
                          });
              },
              "read"});
}

}  // namespace muster::http
