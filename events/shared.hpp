// A large value in a row of a PagedMap: copies of the row share it until one is edited.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "base/alone.hpp"
#include "events/fields.hpp"

namespace muster {

/// Copying a page copies its rows; a row of many strings is kept behind one pointer so that this stays cheap.
/// Is written and read as T is. What is held is never changed once two copies share it.
template <HasFields T>
class Shared {
public:
  Shared() = default;
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}
  explicit Shared(std::shared_ptr<T> value) : value_(std::move(value)) {}

  const T& operator*() const { return value_ ? *value_ : kEmpty; }
  const T* operator->() const { return &**this; }
  /// To write to: a value of its own, copied first when it is shared.
  T& edit() {
    if (!value_ || !alone(value_)) value_ = std::make_shared<T>(**this);
    return *value_;
  }

  bool operator==(const Shared& other) const { return value_ == other.value_ || **this == *other; }

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    if constexpr (std::is_const_v<Self>)
      T::fields(*self, visit);
    else
      T::fields(self.edit(), visit);
  }

private:
  static inline const T kEmpty{};
  std::shared_ptr<T> value_;
};

}  // namespace muster
