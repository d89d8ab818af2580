// Writes a small flat tree `sel` in which every value follows from the number of the event.
//
//     sel-sample FILE [EVENTS]
//
// Names and types of the branches are a part of those that the public extraction of AntDST files writes.

#include <cstdlib>
#include <iostream>
#include <string>

#include "TFile.h"
#include "TTree.h"

int main(int argc, char** argv) {
    const long events = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 100;
    if (argc < 2 || argc > 3 || events < 1 || events > 1000000) {
        std::cerr << "usage: sel-sample FILE [EVENTS], EVENTS from 1 to 1000000\n";
        return 2;
    }
    TFile file(argv[1], "CREATE", "made by sel-sample: not data of ANTARES");
    if (file.IsZombie()) {
        std::cerr << "sel-sample: " << argv[1] << " cannot be created; it may exist already\n";
        return 3;
    }
    double mjd = 0, frame = 0, lambda = 0, angular_error = 0, cos_zenith = 0, hits = 0;
    int run = 45678;
    ULong64_t event = 0;
    float active = 0.75F;
    bool fitted = false;

    TTree tree("sel", "made by sel-sample: not data of ANTARES");
    tree.Branch("MJD", &mjd, "MJD/D");
    tree.Branch("run", &run, "run/I");
    tree.Branch("event_id", &event, "event_id/l");
    tree.Branch("frame_index", &frame, "frame_index/D");
    tree.Branch("RatioActive", &active, "RatioActive/F");
    tree.Branch("aafit_flag", &fitted, "aafit_flag/O");
    tree.Branch("aafit_lambda", &lambda, "aafit_lambda/D");
    tree.Branch("aafit_angerr_deg", &angular_error, "aafit_angerr_deg/D");
    tree.Branch("aafit_cos_zenith", &cos_zenith, "aafit_cos_zenith/D");
    tree.Branch("aafit_nusedhits", &hits, "aafit_nusedhits/D");
    for (long number = 0; number < events; ++number) {
        event = static_cast<ULong64_t>(number + 1);
        mjd = 56000.0 + number / 1024.0;
        frame = 2.0 + number;
        fitted = number % 4 != 3;
        lambda = -8.0 + number % 64 / 16.0;
        angular_error = 0.25 + number % 8 / 8.0;
        cos_zenith = -1.0 + number % 128 / 64.0;
        hits = 5.0 + number % 32;
        tree.Fill();
    }
    if (tree.Write() <= 0) {
        std::cerr << "sel-sample: " << argv[1] << " cannot be written\n";
        return 3;
    }
    file.Close();
    std::cout << events << " events written to " << argv[1] << "\n";
    return 0;
}
