// Hiding secrets: their values in what scripts print, and themselves where arguments are shown.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// Bytes of all that one run hides, each line of a secret counted beside the whole. A run's arguments are far
/// smaller, so that theirs always fit.
constexpr size_t kMaxSecretBytes = 1024 * 1024;

/// {name: value} of all arguments, a secret's value as `[secret]`; or with the values as they are.
[[nodiscard]] Json shown_arguments(const Arguments& arguments);
[[nodiscard]] Json clear_arguments(const Arguments& arguments);

/// The texts to hide: a secret string or integer, each item of an array, each value of an object. A secret
/// boolean is left out: to hide every `true` would hide nothing and spoil the output.
[[nodiscard]] std::vector<std::string> secret_values(const Arguments& arguments);

/// All texts to hide as one automaton (Aho and Corasick's), so that a byte costs the same for one secret as
/// for a thousand. Immutable: both channels of a run share it.
class Secrets {
public:
  /// Each value that is not empty, without line ends at its end, and each of its lines that is not blank.
  /// Error: `arguments.refused` above kMaxSecretBytes.
  static Result<std::shared_ptr<const Secrets>> of(const std::vector<std::string>& values);

  [[nodiscard]] bool none() const { return nodes_.size() == 1; }

  /// `text` with every secret in it replaced: for the text of an error.
  [[nodiscard]] std::string hide(std::string_view text) const;

private:
  friend class Redactor;
  struct Node {
    uint32_t children = 0;  ///< The first; all of them stand together, sorted by their byte.
    uint32_t fail = 0;      ///< The longest proper end of this that also begins a secret.
    uint32_t depth = 0;     ///< Bytes from the root.
    uint32_t longest = 0;   ///< Bytes of the longest secret that ends here; 0: none does.
    uint16_t child_count = 0;
    uint8_t byte = 0;
  };

  void build(const std::vector<std::string>& sorted);
  void link();
  [[nodiscard]] uint32_t child(uint32_t node, uint8_t byte) const;
  [[nodiscard]] uint32_t next(uint32_t node, uint8_t byte) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);  ///< Breadth first; the first is the root.
  std::array<uint32_t, 256> first_{};               ///< The root's children; 0: none.
};

/// One channel's output, as it comes: any bytes, cut anywhere. Every byte that belongs to some secret goes;
/// secrets that overlap give one `[secret]`. Linear in the bytes; keeps no more than the longest secret.
class Redactor {
public:
  explicit Redactor(std::shared_ptr<const Secrets> secrets) : secrets_(std::move(secrets)) {}

  /// Appends to `to` what can be shown by now. Held back is the shortest end that may begin a secret.
  void write(std::string_view bytes, std::string& to);

  /// No more will come: what was held back began no secret.
  void finish(std::string& to);

  [[nodiscard]] size_t held_back() const { return held_.size() - out_; }

private:
  /// Where secrets were found, as offsets in the whole output.
  struct Found {
    uint64_t from = 0, to = 0;
  };

  void note(uint64_t from, uint64_t to);
  void show(uint64_t from, uint64_t until, std::string_view bytes, std::string& to) const;
  void release(uint64_t until, std::string_view bytes, std::string& to);

  std::shared_ptr<const Secrets> secrets_;
  uint32_t node_ = 0;
  uint64_t at_ = 0;          ///< Bytes taken.
  std::string held_;         ///< The last of them.
  size_t out_ = 0;           ///< So many of held_ are out already.
  std::deque<Found> found_;  ///< In order, apart; some of it not out yet.
};

}  // namespace muster::jobs
