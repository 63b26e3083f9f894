// Verifying a log from the command line: the chain, then checkpoints and who signed them.
#include "app/cli/audit_verify.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <ostream>
#include <set>

#include "actors/checkpointer.hpp"
#include "actors/world.hpp"
#include "adapters/keys.hpp"
#include "base/bytes.hpp"
#include "events/log/chain.hpp"
#include "events/log/rocks_disk.hpp"
#include "events/log/verify.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

/// What members signed, checked while lines pass.
class Signatures {
public:
  void see(const LineShape& line) {
    if (line.type == cluster::MemberStarted::type)
      learn(line);
    else if (line.type == cluster::MemberJoined::type)
      join(line);
    else if (line.type == cluster::MemberLeft::type)
      leave(line);
    else if (line.type == cluster::Checkpointed::type)
      check(line);
    else if (line.type == cluster::CheckpointSigned::type)
      check_cosigned(line);
  }

  struct Recorded {
    uint64_t seq = 0;  ///< Of the event.
    std::string head, digest;
    std::set<std::string> signers;  ///< Whose signatures are good.
    size_t members = 0;             ///< As many were there, as far as these lines tell.
  };
  std::map<uint64_t, Recorded> checkpoints;  ///< By the seq they are as of.
  uint64_t good = 0;                         ///< Signatures.
  uint64_t unknown = 0;                      ///< Signatures of members whose start is not in these lines.
  std::optional<uint64_t> bad;               ///< The first event with a wrong signature.
  std::string signer;                        ///< Whose it is said to be.

private:
  void learn(const LineShape& line) {
    const auto event = from_json_text<cluster::MemberStarted>(line.data);
    if (!event) return;
    if (const auto key = digest_from_hex(event->public_key)) keys_[event->member] = bytes_of(*key);
    members_.insert(event->member);
  }
  void join(const LineShape& line) {
    if (const auto event = from_json_text<cluster::MemberJoined>(line.data)) members_.insert(event->member);
  }
  void leave(const LineShape& line) {
    if (const auto event = from_json_text<cluster::MemberLeft>(line.data)) members_.erase(event->member);
  }

  void check(const LineShape& line) {
    const auto event = from_json_text<cluster::Checkpointed>(line.data);
    if (!event) return;
    auto& recorded = checkpoints[event->at];
    recorded = {line.seq, event->head, event->digest, {}, members_.size()};
    for (const auto& [member, hex] : event->signatures) weigh(line.seq, recorded, event->at, member, hex);
  }

  /// A co-signer signs what was recorded, and nothing else.
  void check_cosigned(const LineShape& line) {
    const auto event = from_json_text<cluster::CheckpointSigned>(line.data);
    if (!event) return;
    const auto recorded = checkpoints.find(event->at);
    if (recorded != checkpoints.end())
      return weigh(line.seq, recorded->second, event->at, event->member, event->signature);
    Recorded other{line.seq, event->head, event->digest, {}, 0};  // That line is not among these.
    weigh(line.seq, other, event->at, event->member, event->signature);
  }

  void weigh(uint64_t seq, Recorded& recorded, uint64_t at, const std::string& member, std::string_view hex) {
    const auto key = keys_.find(member);
    if (key == keys_.end()) {
      unknown++;
    } else if (is_signed(key->second, actors::checkpoint_statement(at, recorded.head, recorded.digest),
                         hex)) {
      good++;
      recorded.signers.insert(member);
    } else if (!bad) {
      bad = seq;
      signer = member;
    }
  }

  static bool is_signed(const std::string& key, const std::string& statement, std::string_view hex) {
    const auto signature = bytes_from_hex(hex);
    return signature && verify_signature(key, statement, *signature);
  }

  std::map<std::string, std::string, std::less<>> keys_;  ///< Member to public key.
  std::set<std::string> members_;
};

/// Heads that were kept elsewhere, each against the line of its seq: the next line's `prev` is its hash.
class KeptHeads {
public:
  /// Of a file that --audit-sink wrote: `SEQ:HASH` begins each line. Error: `usage`.
  static Result<KeptHeads> read(const std::string& path) {
    std::ifstream in{path};
    if (!in) return usage_error(path + " cannot be read");
    KeptHeads kept;
    std::string line;
    for (uint64_t number = 1; std::getline(in, line); number++) {
      const auto head = log::read_named_head(line.substr(0, line.find(' ')));
      const auto twice = head ? kept.heads_.find(head->seq) : kept.heads_.end();
      if (!head || (twice != kept.heads_.end() && twice->second != head->hash))
        return usage_error(path + ": line " + std::to_string(number) +
                           (head ? " names another hash for a seq that was there"
                                 : " does not begin with SEQ:HASH, the hash in 64 lower-case hex digits"));
      kept.heads_[head->seq] = head->hash;
    }
    return kept;
  }

  void see(const LineShape& line) {
    if (const auto hash = digest_from_hex(line.prev)) compare({line.seq - 1, *hash});
  }
  /// The last line passed.
  void end(const log::NamedHead& head) {
    compare(head);
    const auto behind = heads_.upper_bound(head.seq);
    if (behind != heads_.end() && !bad)
      bad = {head.seq + 1,
             "lines are missing: the head of seq " + std::to_string(behind->first) + " was kept"};
  }

  uint64_t good = 0;
  std::optional<std::pair<uint64_t, std::string>> bad;  ///< The first bad seq, and why.

private:
  void compare(const log::NamedHead& line) {
    const auto kept = heads_.find(line.seq);
    if (kept == heads_.end()) return;
    if (kept->second == line.hash)
      good++;
    else if (!bad)
      bad = {line.seq, "its hash is not the one that was kept"};
  }

  std::map<uint64_t, Digest> heads_;
};

struct Report {
  log::Verdict verdict;
  Signatures signatures;
  std::optional<KeptHeads> kept;
  uint64_t stored = 0;  ///< Checkpoints in the folder.
};

void find_fault(Report& report, uint64_t seq, std::string reason) {
  if (report.verdict.bad && *report.verdict.bad <= seq) return;
  report.verdict.bad = seq;
  report.verdict.reason = std::move(reason);
}

/// What the folder holds beside its lines: each checkpoint's bytes against its digest, here and in the log.
void check_stored(Report& report, const log::Disk& disk) {
  for (const auto at : checkpoint_seqs(disk)) {
    report.stored++;
    const auto recorded = report.signatures.checkpoints.find(at);
    const bool named = recorded != report.signatures.checkpoints.end();
    const auto digest = check_checkpoint(disk, at);
    if (!digest)
      find_fault(report, named ? recorded->second.seq : at, digest.error().detail);
    else if (named && *digest != recorded->second.digest)
      find_fault(report, recorded->second.seq,
                 "the stored checkpoint of seq " + std::to_string(at) + " is another one");
  }
}

/// Who stands behind the last checkpoint.
std::string last_signed(const Signatures& signatures) {
  const auto& [at, last] = *signatures.checkpoints.rbegin();
  std::string names;
  for (const auto& name : last.signers) names += (names.empty() ? "" : ", ") + name;
  return "the last checkpoint, of seq " + std::to_string(at) + ", is signed by " +
         std::to_string(last.signers.size()) + " of " + std::to_string(last.members) +
         " members: " + (names.empty() ? "nobody" : names);
}

int print(const Call& call, const Report& report) {
  const auto& verdict = report.verdict;
  const auto& signatures = report.signatures;
  if (call.json) {
    Json json = {{"ok", !verdict.bad}, {"lines", verdict.lines}, {"head", log::to_text(verdict.head)}};
    if (report.kept) json["kept_heads"] = report.kept->good;
    if (verdict.bad) json.update({{"bad", *verdict.bad}, {"reason", verdict.reason}});
    json.update({{"checkpoints", signatures.checkpoints.size()},
                 {"stored_checkpoints", report.stored},
                 {"signatures", {{"good", signatures.good}, {"unknown", signatures.unknown}}}});
    if (!signatures.checkpoints.empty()) {
      const auto& [at, last] = *signatures.checkpoints.rbegin();
      json["last_checkpoint"] = {{"at", at}, {"signed_by", last.signers}, {"members", last.members}};
    }
    print_json(call, json);
  } else if (verdict.bad) {
    call.io.out << "bad: seq " << *verdict.bad << ": " << verdict.reason << '\n';
  } else {
    call.io.out << "ok: " << verdict.lines << " lines, head " << log::to_text(verdict.head) << '\n';
    if (report.kept) call.io.out << "kept heads: " << report.kept->good << " found as they were\n";
    if (!signatures.checkpoints.empty())
      call.io.out << "checkpoints: " << signatures.checkpoints.size() << " recorded, " << report.stored
                  << " stored here; signatures: " << signatures.good << " good, " << signatures.unknown
                  << " of members whose start is not in these lines\n"
                  << last_signed(signatures) << '\n';
  }
  return verdict.bad ? 1 : 0;
}

Outcome verify_lines(const Call& call, const log::NextLine& next, log::VerifyOptions options,
                     const log::Disk* disk) {
  Report report;
  if (call.has("heads")) {
    auto kept = KeptHeads::read(call.text("heads"));
    if (!kept) return kept.error();
    report.kept = std::move(*kept);
  }
  options.good = [&](const LineShape& line) {
    report.signatures.see(line);
    if (report.kept) report.kept->see(line);
  };
  auto verdict = log::verify(next, options);
  if (!verdict) return verdict.error();
  report.verdict = std::move(*verdict);
  if (!report.verdict.bad) {
    if (report.signatures.bad)
      find_fault(report, *report.signatures.bad,
                 "the checkpoint's signature of " + report.signatures.signer + " is not theirs");
    if (disk) check_stored(report, *disk);
    if (report.kept) {
      report.kept->end(report.verdict.head);
      if (report.kept->bad) find_fault(report, report.kept->bad->first, report.kept->bad->second);
    }
  }
  return print(call, report);
}

Result<log::VerifyOptions> read_options(const Call& call) {
  log::VerifyOptions options;
  if (call.has("expect-head")) {
    options.head = log::read_named_head(call.text("expect-head"));
    if (!options.head)
      return usage_error("--expect-head: a head is SEQ:HASH, the hash in 64 lower-case hex digits");
  }
  if (call.has("from")) {
    const auto text = call.text("from");
    uint64_t from = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), from);
    if (ec != std::errc{} || end != text.data() + text.size() || from == 0 || text[0] == '0')
      return usage_error("--from: a seq is a whole number from 1");
    options.from = from;
  }
  return options;
}

}  // namespace

Result<std::unique_ptr<log::Disk>> open_data(const std::string& folder) {
  std::error_code error;
  const auto inside = fs::path(folder) / "log";
  const auto store = fs::exists(inside / "CURRENT", error) ? inside : fs::path(folder);
  if (!fs::exists(store / "CURRENT", error))
    return usage_error("there is no log in " + (folder.empty() ? "''" : folder));
  return log::open_rocks_disk(store.string(), log::Access::read_only);
}

Outcome verify_log(Call& call) {
  auto options = read_options(call);
  if (!options) return options.error();
  const auto target = call.word(1).empty() ? call.config.text("data") : call.word(1);
  if (target == "-") return verify_lines(call, log::lines_of(call.io.in), std::move(*options), nullptr);
  std::error_code error;
  if (!fs::is_directory(target, error)) {
    std::ifstream in{target, std::ios::binary};
    if (!in) return usage_error(target + " cannot be read");
    return verify_lines(call, log::lines_of(in), std::move(*options), nullptr);
  }
  const auto disk = open_data(target);
  if (!disk) return disk.error();
  if (!options->head) {
    const auto head = log::read_head(**disk);
    options->head = log::NamedHead{head.seq, head.hash};
  }
  return verify_lines(call, log::lines_of(**disk), std::move(*options), disk->get());
}

}  // namespace muster::cli
