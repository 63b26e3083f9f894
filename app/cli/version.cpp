// :version, what this binary is made of.
#include <ostream>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "app/cli/catalog.hpp"
#include "app/cli/render.hpp"
#include "events/catalog.hpp"

namespace muster::cli {
namespace {

Outcome run(Call& call) {
  Json version = {{"version", MUSTER_VERSION},
                  {"commit", MUSTER_COMMIT},
                  {"compiler", __VERSION__},
                  {"libraries",
                   {{"libcurl", curl_version_info(CURLVERSION_NOW)->version},
                    {"openssl", OpenSSL_version(OPENSSL_FULL_VERSION_STRING)}}}};
  if (call.json)
    print_json(call, version);
  else
    print_fields(call.io.out, version, call.io.terminal, call.io.now());
  return 0;
}

}  // namespace

Verb version_verb() {
  return {.name = ":version",
          .summary = "Print the version of this binary and of its libraries",
          .example = "muster :version --json",
          .run = run};
}

}  // namespace muster::cli
