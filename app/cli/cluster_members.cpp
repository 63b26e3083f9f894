// :cluster init, token, remove, leave, recover and join: who is let in, and who goes.
#include <chrono>
#include <filesystem>
#include <ostream>
#include <thread>

#include "actors/world.hpp"
#include "adapters/authority.hpp"
#include "adapters/join_token.hpp"
#include "adapters/keys.hpp"
#include "app/cli/cluster_verbs.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/render.hpp"
#include "app/cluster/addresses.hpp"
#include "app/cluster/credentials.hpp"
#include "app/cluster/first_token.hpp"
#include "app/node/node_side.hpp"
#include "base/hash.hpp"
#include "events/log/chain.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kApiKeyBytes = 32;
constexpr std::chrono::seconds kStopPatience{30};
constexpr std::chrono::milliseconds kAskAgain{200};

void print_join_command(std::ostream& out, const std::string& address, const std::string& token) {
  out << "  muster :serve --join " << address << " --join-token " << token << " --bind 0.0.0.0:8070\n";
}

/// The key that callers of the first node show; one that is there is kept.
Result<std::string> api_key_file(const std::string& data) {
  auto path = data + "/keys/api_key";
  std::error_code error;
  if (fs::exists(path, error)) return path;
  if (auto written = write_file_atomically(path, random_hex(kApiKeyBytes) + "\n", 0600); !written)
    return written.error();
  return path;
}

/// Asks the node, prints the reply; without --yes only what would be.
Outcome ask_to(Call& call, std::string_view method, const std::string& path, const Json& body,
               const std::string& done) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto answer = client->call(method, path, body.is_null() ? "" : body.dump());
  if (!answer) return answer.error();
  if (call.json)
    print_json(call, {{"done", true}});
  else
    call.io.out << done << '\n';
  return 0;
}

}  // namespace

Outcome cluster_init(Call& call) {
  const auto& data = call.config.text("data");
  std::error_code error;
  fs::create_directories(data + "/keys", error);
  fs::permissions(data, fs::perms::owner_all, error);
  fs::permissions(data + "/keys", fs::perms::owner_all, error);
  auto key = make_cluster_key(app::cluster_key_path(data));
  if (!key) return key.error();
  const auto authority = Authority::from_key(*key);
  if (!authority) return authority.error();
  const auto own = load_or_make_node_key(data + "/keys");
  if (!own) return own.error();
  const auto secret = new_join_secret();
  const auto token = to_text(JoinToken{authority->fingerprint(), secret});
  if (!token) return token.error();
  if (auto kept = app::keep_first_token(data, secret, call.io.now()); !kept) return kept.error();
  const auto callers_key = api_key_file(data);
  if (!callers_key) return callers_key.error();
  auto address = call.config.text("peer-advertise");
  if (address.empty()) address = app::to_text({app::own_address(), 18070});
  if (call.json) {
    print_json(call, {{"ca", authority->fingerprint()},
                      {"cluster_key", app::cluster_key_path(data)},
                      {"key", own->fingerprint},
                      {"api_key_file", *callers_key},
                      {"join", address},
                      {"join_token", *token}});
    return 0;
  }
  auto& out = call.io.out;
  out << "made the cluster key " << app::cluster_key_path(data) << " and this node's own key\nCA "
      << authority->fingerprint() << "\n\nStart this node:\n\n  muster :serve --data " << data
      << " --bind 0.0.0.0:8070 --api-key-file " << *callers_key
      << "\n\nThen, on the next machine, once and within an hour:\n\n";
  print_join_command(out, address, *token);
  out << "\nThere callers show a token that muster :token new made, which is good on every node.\n"
         "muster :cluster token makes another one. Machines from one image may share the cluster key "
         "instead:\n"
         "--cluster-key-file on each; whoever has it is let in.\n";
  return 0;
}

Outcome cluster_token(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  Json body = Json::object();
  if (call.has("expires")) body["expires"] = call.text("expires");
  const auto answer = client->call("POST", "/v1/cluster/tokens", body.dump());
  if (!answer) return answer.error();
  const auto made = parse_json(answer->body);
  if (!made) return made.error();
  if (call.json) return print_json(call, *made), 0;
  print_join_command(call.io.out, text_of(*made, "join"), text_of(*made, "token"));
  call.io.err << "good once, until " << text_of(*made, "expires_at") << "; shown this once\n";
  return 0;
}

Outcome cluster_remove(Call& call) {
  const auto member = call.word(1);
  if (member.empty()) return usage_error(":cluster remove needs the member's name");
  if (!call.has("yes")) {
    call.io.out << member << " would be removed: it is cut off, and has to join anew to come back\n";
    call.io.err << "Nothing was removed; add --yes to do it.\n";
    return 0;
  }
  return ask_to(call, "DELETE", "/v1/cluster/members/" + path_segment(member), Json(),
                member + " was removed");
}

/// Whether the node that is asked stops within kStopPatience.
bool stops(Client& client) {
  const auto until = std::chrono::steady_clock::now() + kStopPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (const auto answer = client.get("/v1/status"); !answer && answer.error().code == "unreachable")
      return true;
    std::this_thread::sleep_for(kAskAgain);
  }
  return false;
}

/// The node that is asked goes, by its own word. Who is cut off may not hear the answer: then that it stops
/// is the answer.
Outcome cluster_leave(Call& call) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto cluster = client->get("/v1/cluster");
  if (!cluster) return cluster.error();
  if (!cluster->contains("raft"))
    return Error{"conflict", "this node was started with --alone: it has no cluster to leave", {}};
  const auto own = text_of((*cluster)["raft"], "node");
  if (!call.has("yes")) {
    call.io.out << own << " would leave: it stops, and has to join anew to come back\n";
    call.io.err << "Nothing was done; add --yes to do it.\n";
    return 0;
  }
  const auto left = client->call("DELETE", "/v1/cluster/members/" + path_segment(own) + "?left=true", "");
  if (!left && !(left.error().outcome_unknown && stops(*client))) return left.error();
  if (call.json) return print_json(call, {{"done", true}}), 0;
  call.io.out << own << " leaves, and stops once the others say so\n";
  return 0;
}

Outcome cluster_recover(Call& call) {
  const bool dry = !call.has("yes");
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto answer = client->call("POST", "/v1/cluster/recover", Json{{"dry_run", dry}}.dump());
  if (!answer) return answer.error();
  const auto said = parse_json(answer->body);
  if (!said) return said.error();
  if (call.json) return print_json(call, *said), 0;
  call.io.out << text_of(*said, "member") << (dry ? " would go on" : " goes on") << " without "
              << text_of(*said, "lost") << ", with the " << said->value("seq", uint64_t{0})
              << " lines that it has. Writes that only they had are lost; the epoch rises by 1000.\n";
  if (dry)
    call.io.err << "Nothing was done; add --yes to do it, and never start the others on their old folders.\n";
  return 0;
}

/// Begins a change of the cluster key, or goes on with one that waits for members that are silent.
Outcome cluster_rotate_key(Call& call) {
  const bool force = call.has("force");
  if (!call.has("yes")) {
    call.io.out << (force
                      ? "the change of the cluster key would go on without the members that are silent: they "
                        "come back by their own keys\n"
                      : "the cluster key would be changed: join tokens that are open, and copies of the key "
                        "that machines from an image hold, let nobody in any more\n");
    call.io.err << "Nothing was changed; add --yes to do it.\n";
    return 0;
  }
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const auto answer = client->call("POST", "/v1/cluster/key", Json{{"force", force}}.dump());
  if (!answer) return answer.error();
  const auto said = parse_json(answer->body);
  if (!said) return said.error();
  if (call.json) return print_json(call, *said), 0;
  call.io.out << "the cluster key is being changed: from CA " << text_of(*said, "from") << "\nto CA "
              << text_of(*said, "to") << "\nmuster :cluster shows how far it is\n";
  return 0;
}

/// A folder with a history is put aside, so that the node may join with an empty one.
Outcome cluster_join(Call& call) {
  if (!call.has("archive"))
    return usage_error(
      ":cluster join needs --archive: it puts the log of this folder aside; a new node joins by "
      "muster :serve --join alone");
  const auto& data = call.config.text("data");
  const auto folder = data + "/log";
  std::error_code error;
  if (!fs::is_directory(folder, error)) return Error{"not.found", data + " holds no log", {}};
  Json held;
  {
    auto disk = log::open_rocks_disk(folder, log::Access::read_write);  // Fails while a node runs on it.
    if (!disk) return disk.error();
    const auto head = log::read_head(**disk);
    held = {{"seq", head.seq}, {"head", to_hex(head.hash)}};
    if (const auto views = views_at(**disk, head.seq)) {
      held["cluster"] = view<cluster::View>(*views).identity->cluster;
      held["nodes"] = view<nodes::View>(*views).nodes.size();
      held["last"] = to_rfc3339(views->time);
    }
  }
  const auto archive = data + "/archive-" + std::to_string(call.io.now().time_since_epoch().count());
  held["archive"] = archive;
  fs::create_directory(archive, error);
  if (!error) fs::rename(folder, archive + "/log", error);
  if (error) return Error{"log.unwritable", "cannot put " + folder + " aside: " + error.message(), {}};
  for (const auto* file : {"/member.json", "/restored"})
    if (fs::exists(data + file, error)) fs::rename(data + file, archive + file, error);
  app::forget_cluster(call.config, data);
  // With a new key it is a new member for Raft: the votes that it gave are in the log that it has no more.
  if (fs::exists(data + "/keys/node.pem", error))
    fs::rename(data + "/keys/node.pem", archive + "/node.pem", error);
  if (error) return Error{"log.unwritable", "cannot put the node's key aside: " + error.message(), {}};
  if (call.json) return print_json(call, held), 0;
  call.io.out << "put aside in " << archive << ":\n";
  print_fields(call.io.out, held, call.io.terminal, call.io.now());
  call.io.out << "\nIt joins when it starts again:\n\n  muster :serve --data " << data << " --join "
              << (call.config.text("join").empty() ? "ADDRESS" : call.config.text("join"))
              << " [--join-token TOKEN]\n";
  return 0;
}

}  // namespace muster::cli
