// One line of the log: how it is composed, and how it is read (docs/log_format.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "events/catalog.hpp"
#include "events/shared.hpp"

namespace muster {

/// What a line says around its event.
struct Envelope {
  Time time{};
  uint64_t epoch = 0;
  std::string node, actor, request;
  std::optional<int64_t> cause;  ///< A seq, or a negative offset from this line.
  bool operator==(const Envelope&) const = default;
};

/// A line as readers and folds see it.
struct Record {
  uint64_t seq = 0;
  std::string prev;  ///< 64 hex characters.
  Envelope envelope;
  std::string type, stream;
  AnyEvent event;

  /// The event behind a pointer, for all folds that keep it whole: one copy, made when it is first asked for.
  /// `e` is what `event` holds. One thread at a time.
  template <class E>
  [[nodiscard]] Shared<E> shared(const E& e) const {
    if (!kept) kept = std::make_shared<E>(e);
    return Shared<E>{std::static_pointer_cast<E>(kept)};
  }
  mutable std::shared_ptr<void> kept{};  ///< What shared() made.
};

[[nodiscard]] std::string_view type_of(const AnyEvent& event);
[[nodiscard]] std::string stream_of(const AnyEvent& event);

/// `"type":...,"stream":...,"data":{...}}`: what a domain says, closed like a line.
void append_event(std::string& out, const AnyEvent& event);
void append_event(std::string& out, const AnyEvent& event, std::string_view stream);  ///< Of that stream.
/// `"time":...,"epoch":...,...,`: what the log adds before append_event.
void append_envelope(std::string& out, const Envelope& envelope);
/// `{"seq":N,"prev":"...",`: what applying prepends.
void append_place(std::string& out, uint64_t seq, const Digest& prev);

/// Reads a whole line. An unknown type becomes an UnknownEvent; unknown members of data are passed over.
/// Error: `log.corrupt` with what is wrong. Checks the shape that docs/log_format.md states, not the chain.
Result<Record> read_line(std::string_view line);
/// The same, over a record that was used before and lends its memory. After an error it holds anything.
Status read_line(std::string_view line, Record& record);

}  // namespace muster
