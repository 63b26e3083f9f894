// Shows what a job's configuration asks the policy for.
#include <catch2/catch.hpp>

#include "domain/jobs/policy.hpp"

using namespace muster;
using namespace muster::jobs;

TEST_CASE("what a job asks for is read from its configuration", "[S3-106]") {
  Job job;
  job.interpreter = "container:alpine:3.20";
  job.env_inheritance = true;
  Container container;
  container.network = "bridge";
  container.capabilities = {"CHOWN"};
  container.extra_args = {"--init"};
  container.rootfs_writable = true;
  container.resources = Resources{"1", "1g"};
  const auto wanted = wanted_of(job, container);
  REQUIRE(wanted);
  CHECK(wanted->in_container);
  CHECK(wanted->image == "alpine:3.20");
  CHECK(wanted->network == "bridge");
  CHECK(wanted->rootfs_writable);
  CHECK(wanted->env_inheritance);
  CHECK(wanted->capabilities == std::vector<std::string>{"CHOWN"});
  CHECK(wanted->extra_args == std::vector<std::string>{"--init"});
  CHECK(wanted->resources.memory == "1g");
  container.image = "alpine:3.20";
  CHECK(wanted_of(job, container));
  job.interpreter = "/bin/sh";
  CHECK_FALSE(wanted_of(job, std::nullopt)->in_container);
  job.executor = "container";
  CHECK(wanted_of(job, container)->in_container);
}

TEST_CASE("a job that contradicts itself about containers is refused") {
  const auto refused = [](const std::string& executor, const std::string& interpreter,
                          const Container& container) {
    Job job;
    job.executor = executor;
    job.interpreter = interpreter;
    const auto wanted = wanted_of(job, container);
    REQUIRE_FALSE(wanted);
    CHECK(wanted.error().code == "E_CONFIG");
  };
  Container named;
  named.image = "busybox";
  Container entered;
  entered.entrypoint = {"/bin/sh"};
  refused("", "container:alpine", named);
  refused("", "/bin/sh", named);
  refused("proc", "/bin/sh", named);
  refused("proc", "/bin/sh", entered);
  refused("proc", "container:alpine", {});
  refused("container", "/bin/sh", {});
  refused("container", "container:", {});
}
