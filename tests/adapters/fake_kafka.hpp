// A fake broker of Kafka: it speaks the four requests that topics are looked at and made with, written by
// hand after Kafka's protocol, and keeps nothing but what these say.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "tests/adapters/amqp_by_hand.hpp"

namespace muster {

/// What one request is made of, and a reply.
class KafkaReader {
public:
  explicit KafkaReader(std::string bytes) : bytes_(std::move(bytes)) {}
  int64_t number(size_t bytes) {
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++) n = n << 8 | static_cast<unsigned char>(bytes_.at(at_++));
    const size_t unused = 64 - 8 * bytes;
    return static_cast<int64_t>(n << unused) >> unused;
  }
  std::optional<std::string> text() {
    const auto size = number(2);
    if (size < 0) return {};
    at_ += static_cast<size_t>(size);
    return bytes_.substr(at_ - static_cast<size_t>(size), static_cast<size_t>(size));
  }

private:
  const std::string bytes_;
  size_t at_ = 0;
};

class KafkaWriter {
public:
  KafkaWriter& number(int64_t n, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) bytes_ += static_cast<char>(n >> (8 * i));
    return *this;
  }
  KafkaWriter& text(const std::optional<std::string>& text) {
    number(text ? static_cast<int64_t>(text->size()) : -1, 2);
    bytes_ += text.value_or("");
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
  std::string bytes_;
};

class FakeKafka {
public:
  struct Topic {
    std::vector<int> replicas;  ///< Of each partition.
    std::map<std::string, std::optional<std::string>> config;
    int looks_until_led = 0;  ///< Before its partitions have leaders.
  };
  static constexpr int kMetadata = 3, kSaslHandshake = 17, kApiVersions = 18, kCreateTopics = 19,
                       kDescribeConfigs = 32, kSaslAuthenticate = 36;
  /// What is sent instead of a whole reply, its length in front. Empty: the connection ends; nothing: it
  /// stays, and nothing is said.
  using Twist = std::function<std::optional<std::string>(int api, const std::string& reply)>;

  explicit FakeKafka(Twist twist = {})
    : twist_(std::move(twist)), listening_([this](int peer) { serve(peer); }) {}

  [[nodiscard]] std::string brokers() const { return "127.0.0.1:" + std::to_string(listening_.port()); }
  std::atomic<int> looks_until_led{2};  ///< Of a topic that is made.

  /// Of "someone" from now on; whoever is in already has to come in again.
  void set_password(const std::string& password) {
    {
      const std::lock_guard lock(mutex_);
      password_ = password;
    }
    listening_.cut();
  }

  void put(const std::string& name, Topic topic) {
    const std::lock_guard lock(mutex_);
    topics_[name] = std::move(topic);
  }
  [[nodiscard]] std::optional<Topic> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    return found == topics_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Every request of that kind about a topic is answered so from now on.
  void refuse(int api, int code, const std::string& why) {
    const std::lock_guard lock(mutex_);
    refusals_[api] = {code, why};
  }
  [[nodiscard]] int count(int api) {
    const std::lock_guard lock(mutex_);
    return counts_[api];
  }
  /// Whether anybody looked in a way that makes topics.
  [[nodiscard]] bool was_asked_to_make_by_looking() {
    const std::lock_guard lock(mutex_);
    return makes_by_looking_;
  }
  /// Somebody else makes it right before the next one that is asked to.
  void be_quicker(Topic topic) {
    const std::lock_guard lock(mutex_);
    quicker_ = std::move(topic);
  }

private:
  struct Refusal {
    int code = 0;
    std::optional<std::string> why{};
  };

  static std::string take(int peer, size_t size) {
    std::string bytes(size, '\0');
    return recv(peer, bytes.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size) ? bytes : "";
  }

  void serve(int peer) {
    for (;;) {
      const auto length = take(peer, 4);
      if (length.empty()) return;
      const auto size = KafkaReader(length).number(4);
      if (size < 10 || size > 1'000'000) return;
      const auto bytes = take(peer, static_cast<size_t>(size));
      if (bytes.empty()) return;
      KafkaReader request(bytes);
      const int api = static_cast<int>(request.number(2));
      const auto version = request.number(2), id = request.number(4);
      request.text();  // Who asks.
      KafkaWriter reply;
      reply.number(id, 4);
      {
        const std::lock_guard lock(mutex_);
        counts_[api]++;
        answer(api, version, request, reply);
      }
      std::optional whole =
        KafkaWriter().number(static_cast<int64_t>(reply.bytes().size()), 4).bytes() + reply.bytes();
      if (twist_) whole = twist_(api, *whole);
      if (!whole) continue;
      if (whole->empty() || send(peer, whole->data(), whole->size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  void answer(int api, int64_t version, KafkaReader& request, KafkaWriter& reply) {
    if (api == kApiVersions) return versions(version, reply);
    if (api == kSaslHandshake) return void(reply.number(0, 2).number(1, 4).text("PLAIN"));
    if (api == kSaslAuthenticate) return authenticate(request, reply);
    reply.number(0, 4);  // Nobody is throttled.
    if (api == kMetadata) return metadata(request, reply);
    if (api == kCreateTopics) return create(request, reply);
    if (api == kDescribeConfigs) return describe(request, reply);
  }

  /// The oldest form; whoever asks in a newer one is told that it is too new, with what there is.
  static void versions(int64_t version, KafkaWriter& reply) {
    constexpr std::array<std::array<int, 3>, 6> kKnown{{{kMetadata, 0, 4},
                                                        {kSaslHandshake, 0, 1},
                                                        {kApiVersions, 0, 0},
                                                        {kCreateTopics, 0, 2},
                                                        {kDescribeConfigs, 0, 1},
                                                        {kSaslAuthenticate, 0, 0}}};
    reply.number(version == 0 ? 0 : 35, 2).number(kKnown.size(), 4);
    for (const auto& [api, least, most] : kKnown) reply.number(api, 2).number(least, 2).number(most, 2);
  }

  /// Lets "someone" in with the password; to others it says all that they said.
  void authenticate(KafkaReader& request, KafkaWriter& reply) const {
    request.number(2);  // The upper half of a length.
    const auto said = request.text().value_or("");
    const bool known = said == std::string("\0someone\0", 9) + password_;
    reply.number(known ? 0 : 58, 2).text(known ? "" : "Authentication failed: " + said).number(0, 4);
  }

  void metadata(KafkaReader& request, KafkaWriter& reply) {
    std::vector<std::string> names;
    for (auto left = request.number(4); left > 0; left--) names.push_back(request.text().value_or(""));
    makes_by_looking_ = makes_by_looking_ || request.number(1) != 0;
    reply.number(1, 4).number(1, 4).text("127.0.0.1").number(listening_.port(), 4).text({});
    reply.text("cluster").number(1, 4).number(static_cast<int64_t>(names.size()), 4);
    for (const auto& name : names) {
      const auto found = topics_.find(name);
      const int refused = refusals_[kMetadata].code;
      reply.number(refused != 0 ? refused : found == topics_.end() ? 3 : 0, 2).text(name).number(0, 1);
      reply.number(found == topics_.end() ? 0 : static_cast<int64_t>(found->second.replicas.size()), 4);
      if (found == topics_.end()) continue;
      const bool led = found->second.looks_until_led-- <= 0;
      for (size_t i = 0; i < found->second.replicas.size(); i++) {
        reply.number(led ? 0 : 5, 2).number(static_cast<int64_t>(i), 4).number(led ? 1 : -1, 4);
        for (const int many : {found->second.replicas[i], 1}) {
          reply.number(many, 4);
          for (int copy = 1; copy <= many; copy++) reply.number(copy, 4);
        }
      }
    }
  }

  void create(KafkaReader& request, KafkaWriter& reply) {
    request.number(4);  // One topic.
    const auto name = request.text().value_or("");
    Topic topic;
    const auto partitions = request.number(4);
    topic.replicas.assign(static_cast<size_t>(partitions), static_cast<int>(request.number(2)));
    request.number(4);  // No assignments.
    for (auto left = request.number(4); left > 0; left--) {
      const auto key = request.text().value_or("");
      topic.config[key] = request.text();
    }
    request.number(4);  // Its time.
    const bool only_validates = request.number(1) != 0;
    topic.looks_until_led = looks_until_led;
    if (quicker_) topics_[name] = *std::exchange(quicker_, {});
    auto refusal = refusals_[kCreateTopics];
    if (refusal.code == 0 && topics_.contains(name)) refusal = {36, "Topic already exists."};
    if (refusal.code == 0 && !only_validates) topics_[name] = topic;
    reply.number(1, 4).text(name).number(refusal.code, 2).text(refusal.why);
  }

  void describe(KafkaReader& request, KafkaWriter& reply) {
    request.number(4);  // One resource.
    const auto type = request.number(1);
    const auto name = request.text().value_or("");
    const auto& refusal = refusals_[kDescribeConfigs];
    reply.number(1, 4).number(refusal.code, 2).text(refusal.why).number(type, 1).text(name);
    const auto& config = topics_[name].config;
    reply.number(refusal.code != 0 ? 0 : static_cast<int64_t>(config.size()), 4);
    if (refusal.code != 0) return;
    for (const auto& [key, value] : config)
      reply.text(key).text(value).number(0, 1).number(5, 1).number(value ? 0 : 1, 1).number(0, 4);
  }

  const Twist twist_;
  std::mutex mutex_;
  std::map<std::string, Topic> topics_;
  std::map<int, Refusal> refusals_;
  std::map<int, int> counts_;
  std::string password_ = "let-me-in";
  std::optional<Topic> quicker_;
  bool makes_by_looking_ = false;
  Listening listening_;
};

}  // namespace muster
