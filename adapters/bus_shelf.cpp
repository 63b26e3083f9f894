// The keys and values of the in-process bus's rows.
#include "adapters/bus_shelf.hpp"

#include <optional>
#include <utility>

namespace muster {
namespace {

using log::Column;
using log::number_key;
using log::number_of;

constexpr std::string_view kAll = "bus/", kBehindAll = "bus0";
constexpr std::string_view kExchange = "bus/exchange/", kQueue = "bus/queue/", kBinding = "bus/binding/",
                           kMessage = "bus/message/", kPlace = "bus/place/", kKey = "bus/key/";
constexpr size_t kNumber = 8;

std::string row(std::string_view prefix, std::string_view rest) {
  return std::string(prefix).append(rest);
}

/// A size in eight bytes, and the bytes: so that texts of any bytes can stand one behind the other.
std::string sized(std::string_view text) {
  return number_key(text.size()).append(text);
}

/// Takes one of them off the front of `from`.
std::optional<std::string> take_sized(std::string_view& from) {
  if (from.size() < kNumber) return {};
  const uint64_t size = number_of(from.substr(0, kNumber));
  from.remove_prefix(kNumber);
  if (size > from.size()) return {};
  std::string text(from.substr(0, size));
  from.remove_prefix(size);
  return text;
}

std::optional<uint64_t> take_number(std::string_view& from) {
  if (from.size() < kNumber) return {};
  const uint64_t number = number_of(from.substr(0, kNumber));
  from.remove_prefix(kNumber);
  return number;
}

std::string binding_key(const profile::Binding& binding) {
  return row(kBinding, sized(binding.exchange) + sized(binding.queue) + binding.key);
}

std::string place_key(uint64_t queue, uint64_t at) {
  return row(kPlace, number_key(queue) + number_key(at));
}

/// Calls visit(rest of the key, value) for each row of a kind; false: it cannot be read.
template <class Visit>
size_t each(const log::Disk& disk, std::string_view prefix, const Visit& visit) {
  size_t odd = 0;
  std::string behind(prefix);
  behind.back()++;
  disk.scan(Column::local, prefix, behind, [&](std::string_view key, std::string_view value) {
    if (!visit(key.substr(prefix.size()), value)) odd++;
    return true;
  });
  return odd;
}

bool read_queue(std::string_view name, std::string_view value, const BusShelf::Reader& reader) {
  const auto number = take_number(value);
  const auto ttl = take_number(value);
  if (!number || !ttl) return false;
  reader.queue({std::string(name), static_cast<int64_t>(*ttl), std::string(value)}, *number);
  return true;
}

bool read_binding(std::string_view key, const BusShelf::Reader& reader) {
  auto exchange = take_sized(key);
  auto queue = take_sized(key);
  if (!exchange || !queue) return false;
  reader.binding({std::move(*exchange), std::move(*queue), std::string(key)});
  return true;
}

bool read_message(std::string_view key, std::string_view value, const BusShelf::Reader& reader) {
  const auto number = take_number(key);
  auto exchange = take_sized(value);
  auto topic = take_sized(value);
  auto idempotency_key = take_sized(value);
  if (!number || !exchange || !topic || !idempotency_key) return false;
  reader.message(
    {{std::move(*exchange), std::move(*topic), std::string(value), std::move(*idempotency_key)}, *number});
  return true;
}

bool read_place(std::string_view key, std::string_view value, const BusShelf::Reader& reader) {
  const auto queue = take_number(key);
  const auto at = take_number(key);
  const auto message = take_number(value);
  const auto expires = take_number(value);
  const auto hops = take_number(value);
  if (!queue || !at || !message || !expires || !hops) return false;
  reader.place(*queue, *message,
               {nullptr, *at, Time{Millis{static_cast<int64_t>(*expires)}}, static_cast<int>(*hops)});
  return true;
}

}  // namespace

void BusShelf::put_exchange(std::string_view name, std::string_view type) {
  batch_.put(Column::local, row(kExchange, name), type);
}

void BusShelf::put_queue(const profile::Queue& queue, uint64_t number) {
  batch_.put(Column::local, row(kQueue, queue.name),
             number_key(number) + number_key(static_cast<uint64_t>(queue.ttl)) + queue.dlx);
}

void BusShelf::put_binding(const profile::Binding& binding) {
  batch_.put(Column::local, binding_key(binding), "");
}

void BusShelf::put_message(const HeldMessage& held) {
  const auto& message = held.message;
  batch_.put(Column::local, row(kMessage, number_key(held.number)),
             sized(message.exchange) + sized(message.topic) + sized(message.idempotency_key) + message.body);
}

void BusShelf::put_place(uint64_t queue, const HeldPlace& place) {
  batch_.put(Column::local, place_key(queue, place.at),
             number_key(place.held->number) +
               number_key(static_cast<uint64_t>(place.expires.time_since_epoch().count())) +
               number_key(static_cast<uint64_t>(place.hops)));
}

void BusShelf::put_key(uint64_t number, std::string_view key) {
  batch_.put(Column::local, row(kKey, number_key(number)), key);
}

void BusShelf::erase_binding(const profile::Binding& binding) {
  batch_.erase(Column::local, binding_key(binding));
}

void BusShelf::erase_message(uint64_t number) {
  batch_.erase(Column::local, row(kMessage, number_key(number)));
}

void BusShelf::erase_place(uint64_t queue, uint64_t at) {
  batch_.erase(Column::local, place_key(queue, at));
}

void BusShelf::erase_key(uint64_t number) {
  batch_.erase(Column::local, row(kKey, number_key(number)));
}

void BusShelf::erase_all() {
  batch_.clear();
  batch_.erase_range(Column::local, kAll, kBehindAll);
}

log::Batch BusShelf::take_changes() {
  return std::exchange(batch_, {});
}

size_t BusShelf::read(const log::Disk& disk, const Reader& reader) {
  size_t odd = each(disk, kExchange, [&](std::string_view name, std::string_view type) {
    reader.exchange(std::string(name), std::string(type));
    return true;
  });
  odd += each(disk, kQueue, [&](auto name, auto value) { return read_queue(name, value, reader); });
  odd += each(disk, kBinding, [&](auto key, auto) { return read_binding(key, reader); });
  odd += each(disk, kMessage, [&](auto key, auto value) { return read_message(key, value, reader); });
  odd += each(disk, kPlace, [&](auto key, auto value) { return read_place(key, value, reader); });
  odd += each(disk, kKey, [&](std::string_view number, std::string_view key) {
    reader.key(number_of(number), std::string(key));
    return true;
  });
  return odd;
}

}  // namespace muster
