// Fuzzes the body of every route that takes one, on a node whose disk is memory: no body makes a node fail,
// and whatever is refused is refused with a problem. The first byte chooses the route; the rest is the body.
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <thread>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "base/hash.hpp"
#include "domain/plan.hpp"
#include "domain/profile.hpp"
#include "events/log/memory_disk.hpp"
#include "http/api.hpp"
#include "http/openapi.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace muster;
using namespace muster::http;
using namespace std::chrono_literals;

constexpr auto kPatience = 30s;  // An answer that takes longer is none.
constexpr size_t kInputsOfANode =
  20'000;                                 // Then another one begins: what it has seen does not grow for ever.
constexpr unsigned kDescribedOneIn = 64;  // Mutations that begin again from a described body.
constexpr std::string_view kToken = "fuzz";  // A developer's.

constexpr std::string_view kSubmission = R"({"run":{"run":"r1","job":"a/b","name":"b","args":{},"node":"n1",
  "steps":[{"id":"1","name":"one"}],"group":"g","policy":"skip","provenance":{}},"fingerprint":"f",
  "policies":[{"run":"r1","job":"a/b","subject":"image","decision":"allowed","code":"","reason":""}]})";

constexpr std::string_view kTemplate = R"(apps:
  - {name: one, kind: docker, cwd: ./one, command: [up], env: {PORT: 9000}, ports: [9000], restart: always}
)";

/// Shows what was asked for, and prepares no run.
class NoJobs : public JobsPort {
public:
  void list(JobsAsk /*ask*/, Then<JobPage> then) override { then(JobPage{"[]", 0}); }
  void plan(JobAsk ask, Then<Json> then) override {
    then(Json{{"job_id", ask.job}, {"source", ask.source}, {"node", ask.node}, {"args", ask.args}});
  }
  void prepare(JobAsk ask, Then<PreparedRun> then) override {
    then(Error{"job.unknown", "there is no job " + ask.job, {}});
  }
  void forget(const std::string& /*run*/) override {}
  std::unique_ptr<RunEntries> entries(const std::string& /*run*/, uint64_t /*after*/) override {
    return nullptr;
  }
  uint64_t oldest(const std::string& /*run*/) override { return 0; }
  void check(const std::string& run, Then<JournalChecked> then) override {
    then(Error{"not.found", "there is no run " + run, {}});
  }
  [[nodiscard]] JournalUse journals() const override { return {}; }
};

Keys new_keys() {
  const auto folder = std::filesystem::temp_directory_path() / ("muster-fuzz-" + random_hex(6));
  auto keys = load_or_make_keys(folder.string());
  EXPECT(keys);
  std::filesystem::remove_all(folder);
  return *keys;
}

/// A source that was fetched: as it was asked for.
void fetched(const jobs::Source& source, const std::function<void(Result<sources::Added>)>& then) {
  sources::Added record;
  record.name = source.name;
  record.kind = to_text(source.type);
  record.ref = source.ref;
  record.url = source.url;
  record.trust.text = source.trust.dump();
  record.expose = to_text(source.expose);
  then(std::move(record));
}

struct Sent {
  int status = 0;
  std::string type, body;
};

/// A node alone, with a server whose thread the routes run on; nobody connects to it.
class Node {
public:
  Node() {
    SystemOptions options;
    options.node = "n1";
    options.version = "0";
    auto made = System::make(disk_, keys_, options);
    EXPECT(made);
    system_ = std::move(*made);
    ApiOptions edge;
    edge.auth.dev_token = kToken;
    edge.auth.node = "n1";
    edge.jobs = &jobs_;
    edge.add_source = fetched;
    edge.rotate_key = [](bool, const Origin&, const Answer& answer) { answer(Receipt{1, "{}", false}); };
    api_ = std::make_unique<Api>(*system_, edge);
    Listen listen;
    listen.port = 0;
    server_ = std::make_unique<Server>(*api_, listen, Limits{});
    api_->serve_behind(*server_);
    EXPECT(server_->start());
    system_->open();
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!system_->ready()) {
      EXPECT(std::chrono::steady_clock::now() < until);
      std::this_thread::yield();
    }
    for (const std::string name : {"server.yaml", "camera-proxy.yaml"}) {
      const auto parsed = plan::parse_template(kTemplate, name);
      EXPECT(parsed);
      load(plans::LoadTemplate{{name, parsed->generation, {canonical_json(plan::to_json(parsed->apps))}}});
    }
    load(plans::LoadProfile{{profile::generation({}), {profile::to_json(profile::Profile{}).dump()}}});
  }
  ~Node() {
    system_->stop();
    server_->stop();
    server_.reset();
    api_.reset();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const std::vector<Route>& routes() const { return api_->router().routes(); }

  /// The answer of `route` to `body`, from a caller who may do everything.
  Sent send(const Route& route, std::string_view body) {
    auto answer = std::make_shared<std::promise<Sent>>();
    auto future = answer->get_future();
    server_->post([this, &route, body = std::string(body), answer] {
      const auto path = filled(route.pattern);
      const auto authorization = "Bearer " + std::string(kToken);
      Request request;
      request.method = route.method;
      request.method_name = to_string(route.method);
      request.path = path;
      request.body = body;
      request.remote = "127.0.0.1";
      request.id = "fuzz";
      request.loopback = true;
      request.inside = route.inside;
      request.headers = {{"authorization", authorization}, {"content-type", "application/json"}};
      std::string_view pattern;
      api_->handle(
        request, Reply{[answer](Response response) {
          auto text = response.shared ? *response.shared : std::move(response.body);
          answer->set_value({response.status, std::string(response.content_type), std::move(text)});
        }},
        pattern);
      EXPECT(pattern == route.pattern);
    });
    EXPECT(future.wait_for(kPatience) == std::future_status::ready);
    return future.get();
  }

private:
  void load(plans::Command command) {
    auto done = std::make_shared<std::promise<bool>>();
    auto future = done->get_future();
    system_->ask(std::move(command), {}, Answer{[done](const Result<Receipt>& outcome) {
                   done->set_value(static_cast<bool>(outcome));
                 }});
    EXPECT(future.wait_for(kPatience) == std::future_status::ready && future.get());
  }

  /// The pattern with an id in place of each {name}.
  static std::string filled(std::string_view pattern) {
    std::string path;
    for (size_t i = 0; i < pattern.size(); i++) {
      if (pattern[i] != '{') {
        path += pattern[i];
        continue;
      }
      path += "n1";
      i = pattern.find('}', i);
    }
    return path;
  }

  log::MemoryDisk disk_;
  Keys keys_ = new_keys();
  NoJobs jobs_;
  std::unique_ptr<System> system_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Server> server_;
};

std::unique_ptr<Node> running;

/// The node, which is another one after many inputs.
Node& node() {
  static size_t inputs = 0;
  if (inputs % kInputsOfANode == 0) {
    running.reset();
    running = std::make_unique<Node>();
  }
  // Nothing of the program is destroyed while its threads run.
  if (inputs++ == 0) std::atexit([] { std::fflush(nullptr), std::_Exit(0); });
  return *running;
}

std::vector<const Route*> with_body(const std::vector<Route>& routes) {
  std::vector<const Route*> found;
  for (const auto& route : routes)
    if (route.takes_body) found.push_back(&route);
  EXPECT(!found.empty() && found.size() < 256);
  return found;
}

/// Inputs made of the bodies that the description of the routes has as examples, good ones and refused ones.
std::vector<std::string> described() {
  const auto& routes = node().routes();
  const auto document = openapi_document(openapi_pieces(), routes, "0");
  EXPECT(document);
  std::vector<std::string> inputs;
  const auto choices = with_body(routes);
  for (size_t i = 0; i < choices.size(); i++) {
    const auto add = [&](std::string_view body) {
      inputs.push_back(static_cast<char>(i) + std::string(body));
    };
    if (choices[i]->inside) {
      add(kSubmission);
      continue;
    }
    std::string method{to_string(choices[i]->method)};
    for (auto& c : method) c = static_cast<char>(std::tolower(c));
    const auto& operation = (*document)["paths"][choices[i]->pattern][method];
    const auto examples = "/requestBody/content/application~1json/examples"_json_pointer;
    for (const auto& example : operation.value(examples, Json::object())) add(example["value"].dump());
    for (const auto& refused : operation.value("x-refused", Json::array()))
      if (refused.contains("body")) add(refused["body"].dump());
  }
  return inputs;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  static const auto inputs = described();
  if (seed % kDescribedOneIn == 0) {
    const auto& one = inputs[seed / kDescribedOneIn % inputs.size()];
    if (one.size() <= max_size) {
      std::memcpy(data, one.data(), one.size());
      return one.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto& on = node();
  const auto choices = with_body(on.routes());
  const auto& route = *choices[data[0] % choices.size()];
  const auto reply = on.send(route, {reinterpret_cast<const char*>(data) + 1, size - 1});
  const auto json = parse_json(reply.body);
  const bool refused = reply.status >= 400;
  const bool good = refused ? reply.status != 500 && reply.type == "application/problem+json" && json &&
                                json->value("status", 0) == reply.status && json->value("code", "") != ""
                            : reply.status >= 200 && (reply.type != "application/json" || json ||
                                                      (reply.status == 204 && reply.body.empty()));
  if (!good)
    std::fprintf(stderr, "%s: %d %s %s\n", route.pattern.c_str(), reply.status, reply.type.c_str(),
                 reply.body.c_str());
  EXPECT(good);
  return 0;
}
