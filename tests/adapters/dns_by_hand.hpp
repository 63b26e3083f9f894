// Multicast DNS on loopback written by hand, so that a test does not ask the library what the library says.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace dns {

enum Type : uint16_t { kA = 1, kPtr = 12, kTxt = 16, kSrv = 33 };

inline std::string number16(size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

/// A name from its labels, which may hold anything.
inline std::string name_of(const std::vector<std::string>& labels) {
  std::string bytes;
  for (const auto& label : labels) bytes += static_cast<char>(label.size()) + label;
  return bytes + '\0';
}

inline std::string txt_of(const std::vector<std::string>& strings) {
  std::string bytes;
  for (const auto& text : strings) bytes += static_cast<char>(text.size()) + text;
  return bytes;
}

struct Record {
  std::string name;  ///< As name_of makes it.
  Type type = kPtr;
  std::string data;
  uint32_t ttl = 120;
};

inline std::string question(const std::string& name, Type type) {
  return number16(0) + number16(0) + number16(1) + std::string(6, '\0') + name + number16(type) + number16(1);
}

inline std::string announcement(const std::vector<Record>& records) {
  std::string packet =
    number16(0) + number16(0x8400) + number16(0) + number16(records.size()) + std::string(4, '\0');
  for (const auto& record : records)
    packet += record.name + number16(record.type) + number16(record.type == kPtr ? 1 : 0x8001) +
              number16(record.ttl >> 16) + number16(record.ttl & 0xffff) + number16(record.data.size()) +
              record.data;
  return packet;
}

/// Reads a packet; throws std::out_of_range where it makes no sense.
class Reader {
public:
  explicit Reader(std::string packet) : packet_(std::move(packet)) {}

  std::vector<Record> records() {
    const auto questions = at16(4);
    const auto count = at16(6) + at16(8) + at16(10);
    size_t pos = 12;
    for (size_t i = 0; i < questions; i++) {
      name(pos);
      pos += 4;
    }
    std::vector<Record> all;
    for (size_t i = 0; i < count; i++) {
      Record record;
      record.name = name(pos);
      record.type = static_cast<Type>(at16(pos));
      const auto length = at16(pos + 8);
      size_t data = pos + 10;
      pos = data + length;
      record.data = record.type == kPtr ? name(data) : packet_.substr(data, length);
      if (record.type == kSrv) {
        const auto priority_weight_port = packet_.substr(data, 6);
        data += 6;
        record.data = priority_weight_port + name(data);
      }
      all.push_back(std::move(record));
    }
    return all;
  }

private:
  [[nodiscard]] size_t at8(size_t pos) const { return static_cast<unsigned char>(packet_.at(pos)); }
  [[nodiscard]] size_t at16(size_t pos) const { return at8(pos) << 8 | at8(pos + 1); }

  /// The name at `pos`, its pointers followed; moves `pos` behind it.
  std::string name(size_t& pos) const {
    std::string bytes;
    std::optional<size_t> behind;
    for (size_t at = pos, hops = 0; hops < 128; hops++) {
      const auto length = at8(at);
      if (length >= 0xc0) {
        if (!behind) behind = at + 2;
        at = (length & 0x3f) << 8 | at8(at + 1);
        continue;
      }
      bytes += packet_.substr(at, length + 1);
      at += length + 1;
      if (length == 0) {
        pos = behind.value_or(at);
        return bytes;
      }
    }
    throw std::out_of_range("a name without an end");
  }

  std::string packet_;
};

/// Speaks to the multicast group through loopback; from port 5353 it is taken for a responder, from any other
/// one for a simple resolver, which is answered directly.
class Socket {
public:
  explicit Socket(uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1, hops = 255;
    const in_addr loopback{htonl(INADDR_LOOPBACK)};
    const timeval pause{0, 200'000};
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    ::setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback);
    ::setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(port);
    own.sin_addr = loopback;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0)
      throw std::runtime_error("cannot bind to 127.0.0.1");
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(const std::string& packet) const {
    sockaddr_in group{};
    group.sin_family = AF_INET;
    group.sin_port = htons(5353);
    group.sin_addr.s_addr = ::inet_addr("224.0.0.251");
    ::sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&group), sizeof group);
  }

  /// Asks over and over until something of that name and type was answered; nothing after a minute.
  [[nodiscard]] std::optional<Record> ask(const std::string& name, Type type) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    std::string buffer(9000, '\0');
    while (std::chrono::steady_clock::now() < deadline) {
      send(question(name, type));
      const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (got < 0) continue;
      for (auto& record : Reader(buffer.substr(0, static_cast<size_t>(got))).records())
        if (record.name == name && record.type == type) return record;
    }
    return std::nullopt;
  }

private:
  int fd_;
};

}  // namespace dns
