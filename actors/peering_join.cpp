// Letting nodes in: what a stranger asks, and what the leader answers.
#include <utility>

#include "actors/joining.hpp"
#include "actors/peering_impl.hpp"

namespace muster {
namespace {

constexpr std::chrono::seconds kHeardJustNow{5};

std::string refusal(const Error& why) {
  JoinAnswer answer;
  answer.code = why.code;
  answer.detail = why.detail;
  return to_json_text(answer);
}

}  // namespace

uint64_t member_id(const std::string& node, const std::string& key) {
  const auto digest = sha256(node + '\n' + key);
  uint64_t id = 0;
  for (size_t i = 0; i < 6; i++) id = id << 8 | digest[i];  // 48 bits: exact in every reader of JSON.
  return id < 2 ? 2 : id;                                   // 1 is whom older builds founded.
}

void Peering::stranger(const consensus::Stranger& who, consensus::Envelope envelope,
                       std::function<void(consensus::Envelope)> answer) {
  const auto reply = [answer = std::move(answer)](std::string text) {
    answer({consensus::Kind::joined, std::move(text)});
  };
  auto asked = from_json_text<JoinRequest>(envelope.body);
  if (!asked) return reply(refusal(asked.error()));
  // What a certificate says counts, and not what its holder says.
  asked->certified = !who.node.empty();
  asked->proven = !who.key.empty() && who.key == asked->key;
  if (asked->certified && (asked->node != who.node || asked->key != who.key))
    return reply(refusal({"join.refused", "the certificate is of another node", {}}));
  auto& impl = *impl_;
  std::string leader;
  bool here = false, running = false;
  const auto text = to_json_text(*asked);
  impl.with_system([&](System& at, consensus::Peers&) {
    running = true;
    leader = impl.leader_node(at);
    here = leader == impl.options.self.node;
    if (here) impl.answer_join(at, text, reply);
  });
  if (here) return;
  if (!running || leader.empty())
    return reply(refusal({"leader.starting", "nobody leads yet: ask again", {}}));
  const auto told = [reply](const Result<std::string>& outcome) {
    reply(outcome ? *outcome : refusal(outcome.error()));
  };
  if (auto handed_on = impl.asks.ask(leader, std::string(1, Impl::kJoin) + text, told); !handed_on)
    reply(refusal(handed_on.error()));
}

void Peering::Impl::answer_join(System& at, const std::string& body, std::function<void(std::string)> reply) {
  auto asked = from_json_text<JoinRequest>(body);
  if (!asked) return reply(refusal(asked.error()));
  if (asked->asks) return answer_whether_member(at, *asked, std::move(reply));
  cluster::Join join;
  join.member = {asked->node, member_id(asked->node, asked->key), asked->address, asked->url, asked->key, ""};
  join.holds_key = asked->certified;
  join.proven = asked->proven;
  if (!asked->certified) join.token_hash = sha256_hex(asked->secret);
  std::string key, reply_secret;
  // Its first hello may still be on its way.
  const auto ways = peers->states();
  const auto way = ways.find(asked->node);
  const bool speaks = way != ways.end() && way->second.heard;
  {
    const std::lock_guard lock{mutex};
    const auto former = heard.find(asked->node);
    join.former_heard = former == heard.end() ? speaks
                                              : !former->second.hello.stopping &&
                                                  SteadyClock::now() - former->second.at < kHeardJustNow;
    key = to_hex(cluster_key.key);
    reply_secret = to_hex(cluster_key.reply_secret);
  }
  Origin origin;
  origin.actor = asked->node;
  at.ask(cluster::Command{std::move(join)}, std::move(origin),
         Answer{[this, key, reply_secret, reply = std::move(reply)](const Result<Receipt>& outcome) {
           if (!outcome) return reply(refusal(outcome.error()));
           auto answer = from_json_text<JoinAnswer>(outcome->result);
           if (!answer) return reply(refusal(answer.error()));
           answer->cluster_key = key;
           answer->reply_secret = reply_secret;
           {
             const std::lock_guard lock{mutex};
             for (const auto& [node, entry] : roster) answer->members.push_back(entry);
           }
           reply(to_json_text(*answer));
         }});
}

/// Of whoever has a certificate of this cluster. Only what is committed and applied counts: who is told that
/// it was removed stops for good.
void Peering::Impl::answer_whether_member(System& at, const JoinRequest& who,
                                          std::function<void(std::string)> reply) {
  if (!who.certified) return reply(refusal({"join.refused", "it showed no certificate", {}}));
  at.barrier(Answer{[this, who, reply = std::move(reply)](const Result<Receipt>& outcome) {
    if (!outcome) return reply(refusal(outcome.error()));
    bool told = false;
    with_system([&](System& here, consensus::Peers&) {
      const auto views = here.views();
      if (views->seq < outcome->seq) return;
      told = true;
      const auto& cluster = view<cluster::View>(*views);
      JoinAnswer answer;
      answer.cluster = cluster.identity->cluster;
      const auto* member = cluster.members.find(who.node);
      if (!member || member->key != who.key) {
        answer.code = "member.removed";
        answer.detail = "it is no member of cluster " + answer.cluster + " any more";
        if (member) answer.detail = "another node is member " + who.node + " of cluster " + answer.cluster;
        cluster.former.each([&](uint64_t, const auto& former) {
          if (former.member != who.node) return;
          answer.left = former.reason == "left";
          answer.detail += (answer.left ? "; it left at " : "; it was " + former.reason + " at ") +
                           to_rfc3339(former.left_at);
        });
      }
      reply(to_json_text(answer));
    });
    if (!told) reply(refusal({"leader.starting", "what was committed is not applied yet: ask again", {}}));
  }});
}

}  // namespace muster
