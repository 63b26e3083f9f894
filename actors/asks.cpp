// Requests in pieces, their answers, and what becomes of them when a member is lost.
#include "actors/asks.hpp"

#include <utility>
#include <vector>

#include "consensus/bytes.hpp"

namespace muster {
namespace {

// A piece: the request's number (8), the piece's number (8), whether it is the last (1), bytes.
constexpr size_t kHead = 17;

}  // namespace

void Asks::send_pieces(const std::string& node, consensus::Kind kind, uint64_t id, std::string_view bytes) {
  for (uint64_t number = 0;; number++) {
    const auto piece = bytes.substr(0, limits_.piece);
    bytes.remove_prefix(piece.size());
    std::string body;
    body.reserve(kHead + piece.size());
    consensus::Writer{body}.u64(id).u64(number).u8(bytes.empty() ? 1 : 0).fixed(piece);
    send_(node, {kind, std::move(body)});
    if (bytes.empty()) return;
  }
}

Status Asks::ask(const std::string& node, std::string request, Reply reply) {
  if (request.size() > limits_.bytes)
    return Error{"body.too.large",
                 "a request of more than " + std::to_string(limits_.bytes) + " bytes cannot be handed on",
                 {}};
  uint64_t id = 0;
  {
    const std::lock_guard lock{mutex_};
    if (open_.size() >= limits_.open)
      return Error{"rate.limited", std::to_string(limits_.open) + " requests were handed on and wait", {}};
    id = ++last_;
    open_[id] = {node, std::move(reply), Clock::now() + limits_.timeout};
  }
  send_pieces(node, consensus::Kind::ask, id, request);
  return Done{};
}

/// Adds a piece; true when `whole` is there.
bool Asks::add(std::map<PartialKey, Partial>& to, const PartialKey& key, std::string_view body,
               std::string& whole) {
  consensus::Reader from{body.substr(8)};
  const auto number = from.u64();
  const bool last = from.u8() != 0;
  const auto bytes = body.substr(kHead);
  if (number == 0 && last) return whole = bytes, true;
  if (number == 0 && to.size() >= limits_.open) return false;
  auto& partial = to[key];
  const bool fits = number == partial.pieces && partial.bytes.size() + bytes.size() <= limits_.bytes &&
                    unfinished_ + bytes.size() <= limits_.unfinished;
  if (!fits) return drop(to, key), false;  // A piece was lost, or it is too much: the asker's time runs out.
  if (number == 0) partial.until = Clock::now() + limits_.timeout;
  partial.pieces++;
  partial.bytes += bytes;
  unfinished_ += bytes.size();
  if (!last) return false;
  whole = std::move(partial.bytes);
  unfinished_ -= whole.size();
  to.erase(key);
  return true;
}

void Asks::drop(std::map<PartialKey, Partial>& from, const PartialKey& key) {
  const auto found = from.find(key);
  if (found == from.end()) return;
  unfinished_ -= found->second.bytes.size();
  from.erase(found);
}

void Asks::answered(const std::string& from, std::string_view body) {
  if (body.size() < kHead) return;
  const auto id = consensus::Reader{body}.u64();
  std::string whole;
  Reply reply;
  {
    const std::lock_guard lock{mutex_};
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.node != from) return;
    if (!add(answers_, {from, id}, body, whole)) return;
    reply = std::move(found->second.reply);
    open_.erase(found);
  }
  reply(std::move(whole));
}

void Asks::asked(const std::string& from, std::string_view body, const OnRequest& on_request) {
  if (body.size() < kHead) return;
  const auto id = consensus::Reader{body}.u64();
  std::string whole;
  {
    const std::lock_guard lock{mutex_};
    if (!add(requests_, {from, id}, body, whole)) return;
  }
  on_request(std::move(whole), [this, from, id](std::string answer) {
    send_pieces(from, consensus::Kind::answer, id, answer);
  });
}

void Asks::end(std::vector<Reply> replies, const Error& why) {
  for (const auto& reply : replies) reply(why);
}

void Asks::lose_all_but(const std::string& node) {
  std::vector<Reply> lost;
  {
    const std::lock_guard lock{mutex_};
    for (auto at = open_.begin(); at != open_.end();) {
      if (at->second.node == node) {
        ++at;
        continue;
      }
      drop(answers_, {at->second.node, at->first});
      lost.push_back(std::move(at->second.reply));
      at = open_.erase(at);
    }
  }
  end(std::move(lost), {"leader.lost", "the leader was lost before the outcome was known", {}, true});
}

void Asks::sweep() {
  std::vector<Reply> late;
  {
    const std::lock_guard lock{mutex_};
    const auto now = Clock::now();
    for (auto at = open_.begin(); at != open_.end();) {
      if (now < at->second.until) {
        ++at;
        continue;
      }
      drop(answers_, {at->second.node, at->first});
      late.push_back(std::move(at->second.reply));
      at = open_.erase(at);
    }
    for (auto at = requests_.begin(); at != requests_.end();) {
      const auto key = at->first;
      const bool stale = at++->second.until < now;
      if (stale) drop(requests_, key);
    }
  }
  end(std::move(late), {"command.timeout", "the leader did not answer within --command-timeout", {}, true});
}

}  // namespace muster
