// Finding each function by its name.
#include "adapters/curl_library.hpp"

#include <string>

#include <dlfcn.h>

namespace muster {
namespace {

constexpr const char* kFile = "libcurl.so.4";

Error missing() {
  const char* why = dlerror();
  return {"internal", std::string(kFile) +
                        " cannot be loaded, install libcurl4: " + (why != nullptr ? why : "no reason given")};
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Result<CurlLibrary> load() {
  void* library = dlopen(kFile, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return missing();
  CurlLibrary curl;
  const bool whole = find(library, "curl_global_init", curl.global_init) &&
                     find(library, "curl_version_info", curl.version_info) &&
                     find(library, "curl_easy_init", curl.easy_init) &&
                     find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                     find(library, "curl_easy_reset", curl.easy_reset) &&
                     find(library, "curl_easy_setopt", curl.easy_setopt) &&
                     find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                     find(library, "curl_easy_strerror", curl.easy_strerror) &&
                     find(library, "curl_multi_init", curl.multi_init) &&
                     find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
                     find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
                     find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
                     find(library, "curl_multi_perform", curl.multi_perform) &&
                     find(library, "curl_multi_poll", curl.multi_poll) &&
                     find(library, "curl_multi_wakeup", curl.multi_wakeup) &&
                     find(library, "curl_multi_info_read", curl.multi_info_read) &&
                     find(library, "curl_slist_append", curl.slist_append) &&
                     find(library, "curl_slist_free_all", curl.slist_free_all);
  if (!whole) return missing();
  curl.global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

}  // namespace

const Result<CurlLibrary>& curl_library() {
  static const Result<CurlLibrary> loaded = load();
  return loaded;
}

}  // namespace muster
