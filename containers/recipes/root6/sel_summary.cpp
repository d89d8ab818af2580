// Prints, as JSON, what is in a flat tree: number of events, and type and range of every branch of one number.
//
//     sel-summary FILE [TREE]
//
// Exit code: 0 all read, 1 the file or the tree cannot be read, 2 wrong use.

#include <cmath>
#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "TBranch.h"
#include "TFile.h"
#include "TLeaf.h"
#include "TTree.h"

namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const unsigned char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c >= 0x20 && c < 0x7f) {
            out += static_cast<char>(c);
        } else {
            out += '?';
        }
    }
    return out + "\"";
}

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    double sum = 0;
    long long values = 0;

    void take(double value) {
        if (!std::isfinite(value)) return;
        low = std::fmin(low, value);
        high = std::fmax(high, value);
        sum += value;
        ++values;
    }
};

// Returns false when an entry of the branch cannot be read.
bool scan(TBranch& branch, TLeaf& leaf, long long entries, Range& range) {
    for (long long entry = 0; entry < entries; ++entry) {
        if (branch.GetEntry(entry) <= 0) return false;
        range.take(leaf.GetValue(0));
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: sel-summary FILE [TREE]\n";
        return 2;
    }
    const std::string name = argc > 2 ? argv[2] : "sel";
    const std::unique_ptr<TFile> file(TFile::Open(argv[1], "READ"));
    if (!file || file->IsZombie() || file->TestBit(TFile::kRecovered)) {
        std::cerr << "sel-summary: " << argv[1] << " is no whole ROOT file\n";
        return 1;
    }
    auto* tree = file->Get<TTree>(name.c_str());
    if (tree == nullptr) {
        std::cerr << "sel-summary: " << argv[1] << " has no tree '" << name << "'\n";
        return 1;
    }
    const long long entries = tree->GetEntries();
    std::cout << std::setprecision(17) << "{\n  \"tree\": " << quoted(name) << ",\n  \"events\": " << entries
              << ",\n  \"branches\": {";
    const char* separator = "\n";
    int skipped = 0;
    for (auto* object : *tree->GetListOfBranches()) {
        auto& branch = *static_cast<TBranch*>(object);
        auto* leaf = branch.GetNleaves() == 1 ? static_cast<TLeaf*>(branch.GetListOfLeaves()->At(0)) : nullptr;
        if (leaf == nullptr || leaf->GetLen() != 1 || leaf->GetLeafCount() != nullptr || branch.GetSplitLevel() > 0) {
            ++skipped;
            continue;
        }
        Range range;
        if (!scan(branch, *leaf, entries, range)) {
            std::cerr << "sel-summary: " << argv[1] << ": branch " << quoted(branch.GetName()) << " is damaged\n";
            return 1;
        }
        std::cout << separator << "    " << quoted(branch.GetName()) << ": {\"type\": " << quoted(leaf->GetTypeName());
        if (range.values > 0) {
            std::cout << ", \"min\": " << range.low << ", \"max\": " << range.high << ", \"sum\": " << range.sum;
        }
        std::cout << ", \"finite\": " << range.values << "}";
        separator = ",\n";
    }
    std::cout << "\n  },\n  \"other_branches\": " << skipped << "\n}\n";
    return 0;
}
