// Whole lines out of bytes that come in pieces.
#pragma once

#include <string>
#include <string_view>

namespace muster {

class LineBuffer {
public:
  /// A line longer than this is given in pieces.
  static constexpr size_t kMaxLine = 64 << 10;

  /// Calls emit(text) with one or more whole lines at a time; what has no end yet is held.
  template <class Emit>
  void write(std::string_view bytes, Emit&& emit) {
    const auto end = bytes.rfind('\n');
    if (end != std::string_view::npos) {
      auto whole = bytes.substr(0, end + 1);
      if (!held_.empty()) {
        const auto first = whole.find('\n') + 1;
        held_ += whole.substr(0, first);
        emit(std::string_view{held_});
        held_.clear();
        whole.remove_prefix(first);
      }
      if (!whole.empty()) emit(whole);
      bytes.remove_prefix(end + 1);
    }
    held_ += bytes;
    if (held_.size() >= kMaxLine) flush(emit);
  }

  /// Gives what is held: no more is waited for.
  template <class Emit>
  void flush(Emit&& emit) {
    if (held_.empty()) return;
    emit(std::string_view{held_});
    held_.clear();
  }

private:
  std::string held_;
};

}  // namespace muster
