// Replies kept under idempotency keys: what is in flight in memory, what is committed on disk.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/command.hpp"
#include "base/persistence.hpp"
#include "events/log/chain.hpp"

namespace muster {

/// Any thread. A request that comes again while the first is in flight waits for the first one's answer.
class KeptReplies {
public:
  KeptReplies(const log::Disk& disk, std::string secret, Millis ttl,
              std::shared_ptr<Persistence> counts = std::make_shared<Persistence>())
    : chain_(disk), secret_(std::move(secret)), ttl_(ttl), counts_(std::move(counts)) {}

  /// What to do with a command that carries a key.
  struct Begun {
    bool answered = false;  ///< `answer` was, or will be, answered from here.
    log::KeptReply record;  ///< To be committed with the events, its result filled in.
    Answer answer;          ///< To be used instead of the given one: it also ends the flight.
  };
  Begun begin(const Origin& origin, Answer answer, Time now);

private:
  struct InFlight {
    std::string hmac;
    bool one_time = false;
    std::vector<Answer> waiting;
  };
  std::optional<log::KeptReply> look_up(const std::string& key, Time now);
  void finish(const std::string& key, const Result<Receipt>& result);

  log::ChainReader chain_;
  std::string secret_;
  Millis ttl_;
  std::shared_ptr<Persistence> counts_;
  std::mutex mutex_;
  std::map<std::string, InFlight> in_flight_;
};

}  // namespace muster
