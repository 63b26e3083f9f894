// Asking another member for what its journal has, again and again.
#include "http/remote_entries.hpp"

#include <deque>

namespace muster::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAskAgain{200};

/// Shared with an answer on its way, which may come after the stream has gone.
struct Fetched {
  struct Entry {
    uint64_t seq;
    Time at;
    EntryKind kind;
    uint16_t step;
    std::string text;
  };
  std::deque<Entry> entries;
  bool asked = false, empty = false;
  uint64_t last = 0;
  SteadyClock::time_point at{};
};

void take(Fetched& fetched, const std::string& body) {
  const auto before = fetched.entries.size();
  for (size_t at = 0; at < body.size();) {
    const auto end = std::min(body.find('\n', at), body.size());
    const auto line = parse_json(std::string_view{body}.substr(at, end - at));
    at = end + 1;
    if (!line || !line->is_array() || line->size() != 5) continue;
    const auto& e = *line;
    if (!e[0].is_number_unsigned() || !e[1].is_number_integer() || !e[2].is_number_unsigned() ||
        !e[3].is_number_unsigned() || !e[4].is_string())
      continue;
    const auto seq = e[0].get<uint64_t>();
    if (seq <= fetched.last || e[2].get<unsigned>() > static_cast<unsigned>(EntryKind::event)) continue;
    fetched.last = seq;
    fetched.entries.push_back({seq, Time{Millis{e[1].get<int64_t>()}},
                               static_cast<EntryKind>(e[2].get<int>()), e[3].get<uint16_t>(),
                               e[4].get<std::string>()});
  }
  fetched.empty = fetched.entries.size() == before;
}

class RemoteEntries : public RunEntries {
public:
  RemoteEntries(Api& api, std::string run, std::string node, uint64_t after)
    : api_(api), node_(std::move(node)), path_("/v1/runs/" + run + "/journal") {
    fetched_->last = after;
  }

  void read(const std::function<bool(const JournalEntry&)>& visit) override {
    auto& entries = fetched_->entries;
    while (!entries.empty()) {
      const auto entry = std::move(entries.front());
      entries.pop_front();
      if (!visit({entry.seq, entry.at, entry.kind, entry.step, entry.text})) return;
    }
    const bool due = !fetched_->empty || SteadyClock::now() >= fetched_->at + kAskAgain;
    if (!fetched_->asked && due) fetch();
  }

  [[nodiscard]] std::optional<SteadyClock::time_point> again_at() const override {
    if (fetched_->asked) return std::nullopt;
    return fetched_->at + kAskAgain;
  }

private:
  void fetch() {
    fetched_->asked = true;
    fetched_->at = SteadyClock::now();
    const auto query = "after=" + std::to_string(fetched_->last);
    Request request;
    request.method = Method::get;
    request.method_name = "GET";
    request.path = path_;
    request.query = query;
    request.id = "inside";
    request.remote = "inside";
    request.principal = api_.own_principal();
    api_.hand_to(
      node_, request, Reply{[&api = api_, fetched = fetched_](Response response) {
        api.server().post([&api, fetched, body = std::move(response.body), good = response.status == 200] {
          fetched->asked = false;
          fetched->empty = true;
          if (good) take(*fetched, body);
          api.server().wake_streams();
        });
      }});
  }

  Api& api_;
  const std::string node_, path_;
  const std::shared_ptr<Fetched> fetched_ = std::make_shared<Fetched>();
};

}  // namespace

std::unique_ptr<RunEntries> entries_of(Api& api, const std::string& run, const std::string& node,
                                       uint64_t after) {
  if (node == api.options().auth.node) return api.options().jobs->entries(run, after);
  return std::make_unique<RemoteEntries>(api, run, node, after);
}

}  // namespace muster::http
