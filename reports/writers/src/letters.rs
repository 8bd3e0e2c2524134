//! Letters five lines high, to be read from two metres.

const ROWS: usize = 5;

/// `word` in letters of blocks; what is no letter here is left out.
pub(crate) fn big(word: &str) -> [String; ROWS] {
    let letters: Vec<_> = word.chars().filter_map(letter).collect();
    std::array::from_fn(|row| {
        let line: Vec<_> = letters.iter().map(|l| l[row]).collect();
        format!("   {}", line.join("  ").trim_end().replace('#', "█"))
    })
}

/// The letters of every verdict that can end a run.
const fn letter(c: char) -> Option<[&'static str; ROWS]> {
    Some(match c {
        'A' => [" ### ", "#   #", "#####", "#   #", "#   #"],
        'B' => ["#### ", "#   #", "#### ", "#   #", "#### "],
        'C' => [" ####", "#    ", "#    ", "#    ", " ####"],
        'D' => ["#### ", "#   #", "#   #", "#   #", "#### "],
        'E' => ["#####", "#    ", "#### ", "#    ", "#####"],
        'F' => ["#####", "#    ", "#### ", "#    ", "#    "],
        'I' => ["###", " # ", " # ", " # ", "###"],
        'L' => ["#    ", "#    ", "#    ", "#    ", "#####"],
        'N' => ["#   #", "##  #", "# # #", "#  ##", "#   #"],
        'O' => [" ### ", "#   #", "#   #", "#   #", " ### "],
        'P' => ["#### ", "#   #", "#### ", "#    ", "#    "],
        'R' => ["#### ", "#   #", "#### ", "#  # ", "#   #"],
        'S' => [" ####", "#    ", " ### ", "    #", "#### "],
        'T' => ["#####", "  #  ", "  #  ", "  #  ", "  #  "],
        'U' => ["#   #", "#   #", "#   #", "#   #", " ### "],
        'V' => ["#   #", "#   #", "#   #", " # # ", "  #  "],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_can_end_a_run_has_its_letters() {
        for word in ["PASS", "FAIL", "ERROR", "ABORTED", "INCONCLUSIVE", "UNSAFE"] {
            assert!(word.chars().all(|c| letter(c).is_some()), "{word}");
            assert!(big(word).iter().all(|line| line.chars().count() < 90));
        }
    }
}
