// The vector index of a Weaviate server, over its REST interface.
#pragma once

#include <memory>

#include "adapters/ports/vector_index.hpp"
#include "adapters/weaviate_http.hpp"

namespace muster {

/// Sends nothing yet: the first call asks whether the server is ready. Nothing that the server says of a
/// write is believed: what is there afterwards counts. Never deletes, and never changes a class that is there
/// but by adding properties. Error: `field.invalid`.
Result<std::unique_ptr<VectorIndex>> make_weaviate_index(WeaviateSettings settings);

}  // namespace muster
