// Copying, moving and destroying any event there is.
#include "events/catalog.hpp"

namespace muster {

AnyEvent::AnyEvent() noexcept = default;
AnyEvent::AnyEvent(const AnyEvent& other) = default;
AnyEvent::AnyEvent(AnyEvent&& other) noexcept = default;
AnyEvent& AnyEvent::operator=(const AnyEvent& other) = default;
AnyEvent& AnyEvent::operator=(AnyEvent&& other) noexcept = default;
AnyEvent::~AnyEvent() = default;

}  // namespace muster
