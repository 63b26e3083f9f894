// A value or an Error, and a readable std::visit.
#pragma once

#include <utility>
#include <variant>

#include "base/error.hpp"

namespace muster {

/// The subset of std::expected (C++23) that is used here. An expected failure is a Result; a broken invariant
/// asserts.
template <class T>
class [[nodiscard]] Result {
public:
  Result(T value) : data_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : data_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return data_.index() == 0; }
  [[nodiscard]] const T& operator*() const& { return std::get<0>(data_); }
  [[nodiscard]] T& operator*() & { return std::get<0>(data_); }
  [[nodiscard]] T&& operator*() && { return std::get<0>(std::move(data_)); }
  const T* operator->() const { return &std::get<0>(data_); }
  T* operator->() { return &std::get<0>(data_); }
  [[nodiscard]] const Error& error() const { return std::get<1>(data_); }

private:
  std::variant<T, Error> data_;
};

/// A call that returns nothing but may fail.
struct Done {};
using Status = Result<Done>;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // Clang 14 needs it said.

/// match(value)(handler...): calls the handler for what the variant holds; a missing one does not compile.
template <class Variant>
auto match(Variant&& variant) {
  return [&variant](auto&&... handlers) -> decltype(auto) {
    return std::visit(Overloaded{std::forward<decltype(handlers)>(handlers)...},
                      std::forward<Variant>(variant));
  };
}

}  // namespace muster
