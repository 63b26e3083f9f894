// What stands between a bus and its broker in tests: a proxy that counts methods and cuts cables, a server
// that says what it was told, and a second client that changes things behind the bus's back.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <poll.h>

#include "adapters/amqp_parts.hpp"
#include "tests/support/listening.hpp"

namespace muster {

using test::Listening;

/// Passes on what is said, and counts the methods that the client calls: "queue.declare", "queue.look" ...
class AmqpProxy {
public:
  explicit AmqpProxy(uint16_t broker) : broker_(broker), listening_([this](int peer) { pass(peer); }) {}

  [[nodiscard]] uint16_t port() const { return listening_.port(); }
  [[nodiscard]] int connections() const { return listening_.connections(); }
  void cut() { listening_.cut(); }
  std::atomic<bool> refusing{false};  ///< Hangs up on who comes now.
  std::atomic<bool> deaf{false};      ///< Nothing passes any more, and nobody is told.
  std::atomic<int> heartbeats{0};     ///< Of clients.

  std::map<std::string, int> take_counts() {
    const std::lock_guard lock(mutex_);
    return std::exchange(counts_, {});
  }

private:
  void pass(int peer) {
    if (refusing) return;
    const int broker = test::connected_to(broker_);
    std::string said;
    bool open = broker >= 0;
    pollfd fds[] = {{peer, POLLIN, 0}, {broker, POLLIN, 0}};
    while (open && poll(fds, 2, -1) > 0)
      for (int i = 0; i < 2 && open; i++) {
        if (fds[i].revents == 0) continue;
        char buffer[65536];
        const auto n = recv(fds[i].fd, buffer, sizeof buffer, 0);
        if (n <= 0) open = false;
        if (n <= 0 || deaf) continue;
        if (i == 0) count(said.append(buffer, static_cast<size_t>(n)));
        open = send(fds[1 - i].fd, buffer, static_cast<size_t>(n), MSG_NOSIGNAL) == n;
      }
    if (broker >= 0) close(broker);
  }

  /// Takes whole frames off the front.
  void count(std::string& said) {
    if (said.starts_with("AMQP")) said.erase(0, 8);
    const auto number = [&](size_t at, size_t bytes) {
      size_t n = 0;
      for (size_t i = 0; i < bytes; i++) n = n << 8 | static_cast<unsigned char>(said[at + i]);
      return n;
    };
    while (said.size() >= 7 && said.size() >= 8 + number(3, 4)) {
      const size_t size = number(3, 4);
      if (said[0] == AMQP_FRAME_HEARTBEAT) heartbeats++;
      if (said[0] == AMQP_FRAME_METHOD) {
        const std::string method = std::to_string(number(7, 2)) + "." + std::to_string(number(9, 2));
        static const std::map<std::string, std::string> kNames{{"40.10", "exchange"},
                                                               {"50.10", "queue"},
                                                               {"50.20", "bind"},
                                                               {"50.50", "unbind"},
                                                               {"60.40", "publish"}};
        std::string name = kNames.contains(method) ? kNames.at(method) : "";
        if (name == "exchange" || name == "queue") {
          size_t bits = 13 + 1 + number(13, 1);
          if (name == "exchange") bits += 1 + number(bits, 1);
          name += (number(bits, 1) & 1) != 0 ? ".look" : ".declare";
        }
        const std::lock_guard lock(mutex_);
        if (!name.empty()) counts_[name]++;
      }
      said.erase(0, 8 + size);
    }
  }

  const uint16_t broker_;
  std::mutex mutex_;
  std::map<std::string, int> counts_;
  Listening listening_;
};

/// Somebody else at the broker.
class AmqpStranger {
public:
  explicit AmqpStranger(uint16_t port) : state_(amqp_new_connection()) {
    auto* socket = amqp_tcp_socket_new(state_);
    amqp_socket_open(socket, "127.0.0.1", port);
    amqp_login(state_, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    amqp_channel_open(state_, 1);
  }
  ~AmqpStranger() { amqp_destroy_connection(state_); }
  AmqpStranger(const AmqpStranger&) = delete;
  AmqpStranger& operator=(const AmqpStranger&) = delete;

  void delete_queue(const std::string& name) { amqp_queue_delete(state_, 1, amqp::bytes(name), 0, 0); }
  void delete_exchange(const std::string& name) { amqp_exchange_delete(state_, 1, amqp::bytes(name), 0); }
  void unbind(const std::string& queue, const std::string& exchange, const std::string& key) {
    amqp_queue_unbind(state_, 1, amqp::bytes(queue), amqp::bytes(exchange), amqp::bytes(key),
                      amqp_empty_table);
  }
  /// A durable one with such arguments.
  void make_queue(const std::string& name, const std::map<std::string, int>& arguments) {
    std::vector<amqp_table_entry_t> entries;
    for (const auto& [key, value] : arguments) {
      amqp_table_entry_t entry{amqp::bytes(key), {.kind = AMQP_FIELD_KIND_I32}};
      entry.value.value.i32 = value;
      entries.push_back(entry);
    }
    amqp_queue_declare(state_, 1, amqp::bytes(name), 0, 1, 0, 0,
                       {static_cast<int>(entries.size()), entries.data()});
  }
  /// One that only this connection may use.
  void make_exclusive_queue(const std::string& name) {
    amqp_queue_declare(state_, 1, amqp::bytes(name), 0, 1, 1, 0, amqp_empty_table);
  }
  /// All empty when the queue is.
  struct Got {
    std::string message_id, key_header, content_type, body;
    int delivery_mode = 0;
    uint64_t timestamp = 0;
  };
  Got get(const std::string& queue) {
    Got got;
    if (amqp_basic_get(state_, 1, amqp::bytes(queue), 1).reply.id != AMQP_BASIC_GET_OK_METHOD) return got;
    amqp_message_t message;
    if (amqp_read_message(state_, 1, &message, 0).reply_type != AMQP_RESPONSE_NORMAL) return got;
    const auto& properties = message.properties;
    got.message_id = amqp::text(properties.message_id);
    got.content_type = amqp::text(properties.content_type);
    got.delivery_mode = properties.delivery_mode;
    got.timestamp = properties.timestamp;
    if (properties.headers.num_entries == 1 &&
        amqp::text(properties.headers.entries[0].key) == "x-idempotency-key")
      got.key_header = amqp::text(properties.headers.entries[0].value.value.bytes);
    got.body = amqp::text(message.body);
    amqp_destroy_message(&message);
    return got;
  }

private:
  amqp_connection_state_t state_;
};

}  // namespace muster
