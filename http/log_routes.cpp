// The log as a thing to keep: its size, checkpoints, compaction, backup.
#include <charconv>
#include <exception>
#include <mutex>

#include "actors/backup.hpp"
#include "actors/world.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kBackupPiece = 256 << 10;

/// POST /v1/log/compact.
struct CompactBody {
  RawJson before;  ///< A seq or a time.
  std::optional<bool> dry_run;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("before", self.before);
    visit("dry_run", self.dry_run);
  }
};

struct Dropped {
  uint64_t from = 0, to = 0, lines = 0, bytes = 0, checkpoint = 0;
  std::string head;
  bool dry_run = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from", self.from);
    visit("to", self.to);
    visit("lines", self.lines);
    visit("bytes", self.bytes);
    visit("checkpoint", self.checkpoint);
    visit("head", self.head);
    visit("dry_run", self.dry_run);
  }
};

/// Pieces are read on the thread for slow readings, one ahead of what was taken.
class BackupStream : public Stream {
public:
  BackupStream(Api& api, std::unique_ptr<BackupReader> reader)
    : api_(api), ahead_(std::make_shared<Ahead>()) {
    ahead_->reader = std::move(reader);
  }

  State pull(std::vector<Bytes>& into, size_t) override {
    const std::lock_guard lock{ahead_->mutex};
    if (ahead_->failed) std::rethrow_exception(ahead_->failed);  // The connection is closed without an end.
    const auto piece = std::exchange(ahead_->piece, nullptr);
    if (piece) into.push_back(piece);
    if (ahead_->ended) return State::ended;
    if (!std::exchange(ahead_->reading, true))
      api_.system().read_slowly([&api = api_, ahead = ahead_] { read(api, *ahead); });
    return piece ? State::more : State::idle;
  }

private:
  struct Ahead {
    std::unique_ptr<BackupReader> reader;  // Of whoever set `reading`.
    std::mutex mutex;
    Bytes piece;
    bool reading = false, ended = false;
    std::exception_ptr failed;
  };

  static void read(Api& api, Ahead& ahead) {
    std::string piece;
    bool more = true;
    std::exception_ptr failed;
    try {
      more = ahead.reader->next(piece, kBackupPiece);
    } catch (const std::exception&) {
      failed = std::current_exception();
    }
    {
      const std::lock_guard lock{ahead.mutex};
      ahead.piece = std::make_shared<const std::string>(std::move(piece));
      ahead.reading = false;
      ahead.ended = !more;
      ahead.failed = failed;
    }
    api.server().wake_streams();
  }

  Api& api_;
  std::shared_ptr<Ahead> ahead_;
};

void backup_route(Api& api, const Request& request, const Reply& reply) {
  api.system().read_slowly([&api, reply, id = std::string(request.id)] {
    auto& system = api.system();
    const BackupSource source{api.options().data, system.options().node,
                              view<cluster::View>(*system.views()).identity->cluster,
                              system.options().reply_secret};
    auto reader = BackupReader::begin(system.disk(), source);
    if (!reader) return reply(problem(reader.error(), id));
    Response response;
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("Cache-Control", "no-store");
    response.stream = std::make_unique<BackupStream>(api, std::move(*reader));
    reply(std::move(response));
  });
}

std::string log_text(Api& api) {
  const auto views = api.system().views();
  const auto& disk = api.system().disk();
  const auto& cluster = view<cluster::View>(*views);
  Json out{{"seq", views->seq},
           {"head", to_hex(views->head)},
           {"time", to_rfc3339(views->time)},
           {"oldest", cluster.log.compacted_to + 1},
           {"compacted_to", cluster.log.compacted_to}};
  out["bytes"] = {
    {"events", disk.size(log::Column::events)},           {"streams", disk.size(log::Column::streams)},
    {"checkpoints", disk.size(log::Column::checkpoints)}, {"raft", disk.size(log::Column::raft)},
    {"journal", disk.size(log::Column::journal)},         {"meta", disk.size(log::Column::meta)}};
  out["checkpoints"] = Json::array();
  cluster.checkpoints.each([&](uint64_t seq, const cluster::View::MadeCheckpoint& row) {
    out["checkpoints"].push_back({{"at", row.made.at},
                                  {"head", row.made.head},
                                  {"digest", row.made.digest},
                                  {"bytes", row.made.bytes},
                                  {"seq", seq},
                                  {"time", to_rfc3339(row.time)}});
  });
  out["compactions"] = Json::array();
  cluster.compactions.each([&](uint64_t seq, const cluster::View::MadeCompaction& row) {
    out["compactions"].push_back({{"from", row.dropped.from},
                                  {"to", row.dropped.to},
                                  {"lines", row.dropped.lines},
                                  {"bytes", row.dropped.bytes},
                                  {"seq", seq},
                                  {"time", to_rfc3339(row.time)},
                                  {"actor", row.actor}});
  });
  return out.dump();
}

/// The last seq before `before`, a seq or a time as JSON.
Result<uint64_t> last_before(const log::ChainReader& chain, const RawJson& before) {
  const Error bad{
    "field.invalid", "/before must be a seq or a time (RFC 3339)", {{"/before", "must be a seq or a time"}}};
  auto text = std::string_view{before.text};
  if (text.size() > 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  uint64_t seq = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (ec == std::errc{} && end == text.data() + text.size()) return seq == 0 ? 0 : seq - 1;
  const auto time = parse_rfc3339(text);
  if (!time) return bad;
  return chain.last_at(*time - Millis{1});
}

/// What dropping the lines up to `limit` would mean: to the newest checkpoint at or below it, so that every
/// later seq can still be shown.
cluster::Compacted measure(const System& system, uint64_t limit) {
  cluster::Compacted dropped;
  view<cluster::View>(*system.views()).checkpoints.each([&](uint64_t, const auto& row) {
    if (row.made.at > limit || row.made.at <= dropped.to) return;
    dropped.to = dropped.checkpoint = row.made.at;
    dropped.head = row.made.head;
  });
  if (dropped.to == 0) return dropped;
  system.chain().each_from(1, [&](uint64_t seq, std::string_view line) {
    if (seq > dropped.to) return false;
    if (dropped.from == 0) dropped.from = seq;
    dropped.lines++;
    dropped.bytes += line.size() + 1;
    return true;
  });
  return dropped;
}

void compact_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<CompactBody>(request, reply, Unknown::refuse);
  if (!body) return;
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  const auto lowest_tail = api.tails().lowest_cursor();
  api.system().read_slowly([&api, reply, origin = std::move(*origin), body = std::move(*body), lowest_tail,
                            id = std::string(request.id)] {
    auto& system = api.system();
    const auto limit = last_before(system.chain(), body.before);
    if (!limit) return reply(problem(limit.error(), id));
    const auto outbox = view<cluster::View>(*system.views()).identity->outbox;
    const auto untold = outbox && outbox->bus == api.options().outbox ? outbox->to : UINT64_MAX;
    const auto dropped = measure(system, std::min({*limit, lowest_tail - 1, untold}));
    const bool dry = body.dry_run.value_or(true);
    const auto shown = to_json_text(
      Dropped{dropped.from, dropped.to, dropped.lines, dropped.bytes, dropped.checkpoint, dropped.head, dry});
    if (dry) return reply(json_response(shown));
    system.ask(cluster::Command{cluster::Compact{dropped, api.options().outbox}}, origin,
               Answer{[reply, id, shown](const Result<Receipt>& done) {
                 reply(done ? json_response(shown) : problem(done.error(), id));
               }});
  });
}

Response show_digests(const World& world) {
  Json out{{"seq", world.set.seq}, {"head", to_hex(world.set.head)}, {"digests", Json::array()}};
  for (const auto& fold : fold_digests(world))
    out["digests"].push_back({{"name", fold.name}, {"version", fold.version}, {"digest", fold.digest}});
  return json_response(out.dump());
}

/// GET /v1/digests: of what this node shows and decides on now, or of what it folds from disk for ?as_of.
void digests_route(Api& api, const Request& request, const Reply& reply) {
  const auto when = request.query_value("as_of");
  if (!when) return api.system().live_world([reply](const World& world) { reply(show_digests(world)); });
  api.at_past(request, reply, *when, [&api, reply, id = std::string(request.id)](uint64_t at) {
    const auto world = world_at(api.system().disk(), at);
    reply(world ? show_digests(*world) : problem(world.error(), id));
  });
}

}  // namespace

void add_log_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/v1/log",
              [&api](const Request&, const Reply& r) { r(json_response(log_text(api))); }, "read"});
  router.add({Method::get, "/v1/digests",
              [&api](const Request& q, const Reply& r) { digests_route(api, q, r); }, "read"});
  router.add({Method::post, "/v1/log/compact",
              [&api](const Request& q, const Reply& r) { compact_route(api, q, r); }, "admin", true});
  router.add({Method::post, "/v1/checkpoints",
              [&api](const Request& q, const Reply& r) {
                api.system().checkpoint([r, id = std::string(q.id)](const Result<uint64_t>& at) {
                  r(at ? json_response("{\"at\":" + std::to_string(*at) + "}", 202)
                       : problem(at.error(), id));
                });
              },
              "admin"});
  router.add({Method::get, "/v1/backup",
              [&api](const Request& q, const Reply& r) { backup_route(api, q, r); }, "admin"});
}

}  // namespace muster::http
