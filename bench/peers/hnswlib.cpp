// hnswlib on one thread over the rows that the server has: how fast it builds, and how fast it answers at which recall.
//
//   hnswlib ROWS.f32 QUERIES.f32 NEIGHBOURS.i32 euclidean|cosine DIMENSION [rounds]
//
// Files are little-endian, row-major, without a header; NEIGHBOURS holds the exact 100 nearest of each query. Prints one
// JSON object per line: the build, then one search for each ef. A match counts by its distance, in double, as in
// true-neighbours.mjs. cosine is inner product over vectors that are normalised before the clock starts.
//
// With `rounds` it searches once for every line of its input, so that others can be measured in turn with it, and ends
// with its input; a line `{}` closes each round.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "hnswlib.h"

namespace {

constexpr size_t kM = 16;
constexpr size_t kEfConstruction = 128;
constexpr size_t kSeed = 100;
constexpr size_t kNeighbours = 100;
constexpr size_t kK = 10;
constexpr size_t kWarmUp = 500;
constexpr size_t kSweep[] = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};

template <typename T>
std::vector<T> read(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path);
    std::exit(2);
  }
  const auto bytes = static_cast<size_t>(file.tellg());
  std::vector<T> values(bytes / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

void normalise(std::vector<float>& vectors, size_t dimension) {
  for (size_t at = 0; at < vectors.size(); at += dimension) {
    double squared = 0;
    for (size_t d = 0; d < dimension; d++) squared += double(vectors[at + d]) * vectors[at + d];
    const double scale = squared > 0 ? 1 / std::sqrt(squared) : 0;
    for (size_t d = 0; d < dimension; d++) vectors[at + d] = float(vectors[at + d] * scale);
  }
}

double distance(bool cosine, const float* a, const float* b, size_t dimension) {
  double sum = 0;
  for (size_t d = 0; d < dimension; d++) {
    const double step = cosine ? double(a[d]) * b[d] : (double(a[d]) - b[d]) * (double(a[d]) - b[d]);
    sum += step;
  }
  return cosine ? 1 - sum : sum;
}

double seconds(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

// What the process has in memory, or 0 where the system has no such file.
size_t residentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6)) * 1024;
  return 0;
}

double quantile(std::vector<double> times, double share) {
  std::sort(times.begin(), times.end());
  return times[std::min(times.size() - 1, size_t(double(times.size()) * share))];
}

const char* instructions() {
#if defined(USE_AVX512)
  return AVX512Capable() ? "avx512" : "avx";
#elif defined(USE_AVX)
  return "avx";
#elif defined(USE_SSE)
  return "sse";
#else
  return "none of its own";
#endif
}

}  // namespace

int main(int count, char** arguments) {
  const bool rounds = count == 7 && std::string(arguments[6]) == "rounds";
  if (count != 6 && !rounds) {
    std::fprintf(stderr, "usage: hnswlib ROWS QUERIES NEIGHBOURS euclidean|cosine DIMENSION [rounds]\n");
    return 2;
  }
  auto rows = read<float>(arguments[1]);
  auto queries = read<float>(arguments[2]);
  const auto neighbours = read<int32_t>(arguments[3]);
  const bool cosine = std::string(arguments[4]) == "cosine";
  const size_t dimension = std::stoul(arguments[5]);
  const size_t row_count = rows.size() / dimension;
  const size_t query_count = queries.size() / dimension;
  if (cosine) {
    normalise(rows, dimension);
    normalise(queries, dimension);
  }

  const size_t input_bytes = residentBytes();
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (cosine) space = std::make_unique<hnswlib::InnerProductSpace>(dimension);
  else space = std::make_unique<hnswlib::L2Space>(dimension);
  hnswlib::HierarchicalNSW<float> index(space.get(), row_count, kM, kEfConstruction, kSeed);
  const auto begun = std::chrono::steady_clock::now();
  for (size_t row = 0; row < row_count; row++) index.addPoint(&rows[row * dimension], row);
  const double built = seconds(begun);
  std::printf("{\"build_seconds\": %.3f, \"rows\": %zu, \"instructions\": \"%s\", \"resident_bytes\": %zu}\n", built,
              row_count, instructions(), residentBytes() - input_bytes);
  std::fflush(stdout);

  const size_t k = std::min(kK, row_count);
  std::vector<double> farthest(query_count, 0);
  for (size_t query = 0; query < query_count; query++) {
    for (size_t place = 0; place < k; place++) {
      const int32_t row = neighbours[query * kNeighbours + place];
      if (row < 0) continue;
      const double found = distance(cosine, &rows[size_t(row) * dimension], &queries[query * dimension], dimension);
      farthest[query] = std::max(farthest[query], found);
    }
    farthest[query] = cosine ? farthest[query] + 1e-7 : farthest[query] * (1 + 1e-9);
  }
  const auto sweep = [&] {
    for (const size_t ef : kSweep) {
      index.setEf(ef);
      for (size_t query = 0; query < std::min(kWarmUp, query_count); query++)
        index.searchKnn(&queries[query * dimension], k);
      std::vector<std::vector<size_t>> answers(query_count);
      std::vector<double> times(query_count);
      const auto asked = std::chrono::steady_clock::now();
      for (size_t query = 0; query < query_count; query++) {
        const auto sent = std::chrono::steady_clock::now();
        auto found = index.searchKnn(&queries[query * dimension], k);
        for (; !found.empty(); found.pop()) answers[query].push_back(found.top().second);
        times[query] = seconds(sent);
      }
      const double took = seconds(asked);
      size_t hits = 0;
      for (size_t query = 0; query < query_count; query++)
        for (const size_t row : answers[query])
          if (distance(cosine, &rows[row * dimension], &queries[query * dimension], dimension) <= farthest[query])
            hits++;
      std::printf("{\"ef\": %zu, \"qps\": %.1f, \"recall\": %.5f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", ef,
                  query_count / took, double(hits) / double(query_count * k), quantile(times, 0.5) * 1e6,
                  quantile(times, 0.99) * 1e6);
      std::fflush(stdout);
    }
  };
  if (!rounds) {
    sweep();
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    sweep();
    std::printf("{}\n");
    std::fflush(stdout);
  }
  return 0;
}
