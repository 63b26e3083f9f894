// The program.
#include "app/cli/run.hpp"

int main(int argc, char** argv) {
  return muster::cli::run(argc, argv);
}
