"""Every quirk of the upstreams, and every way in which this job once went wrong, has a test that says so."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
ALADHAN, QUIRKS, WAIVERS = (
    "sources/test_aladhan.py",
    "sources/test_aladhan_quirks.py",
    "sources/test_aladhan_waivers.py",
)
CONTRACT, CALCULATED = "sources/test_prayer_contract.py", "sources/test_calculated.py"
STAND_IN = "upstream/test_stand_in.py"
HTTP, QURAN, HADITH = "sources/test_http.py", "sources/test_alquran.py", "sources/test_hadith_api.py"
COUNTS, OUTLINES = "sources/test_hadith_counts.py", "processors/test_hadith_rules.py"

TESTS: Mapping[str, tuple[str, ...]] = {
    # AlAdhan: the calls
    "a year in one call, an object of months": (f"{ALADHAN}::test_one_call_answers_a_unit",),
    "a month is a list": (
        f"{ALADHAN}::test_one_call_answers_a_unit",
        "sources/test_recorded.py::test_a_month_gives_the_rows_of_the_year",
    ),
    "geocoded calls mask the coordinates": (f"{ALADHAN}::test_one_day_that_is_not_what_was_asked_fails_the_unit",),
    "there is no method 6, 99 has no angles": (
        f"{ALADHAN}::test_a_method_that_silently_became_isna_is_noticed",
        f"{CALCULATED}::test_a_method_that_cannot_be_calculated_is_rejected",
        "processors/test_prayer.py::test_what_cannot_be_synced_is_refused",
    ),
    "the school changes only Asr": (f"{CALCULATED}::test_the_madhab_changes_nothing_but_asr",),
    # AlAdhan: what a client must survive
    "1 silent fallbacks with 200": (
        f"{ALADHAN}::test_a_method_that_silently_became_isna_is_noticed",
        f"{ALADHAN}::test_one_day_that_is_not_what_was_asked_fails_the_unit",
        f"{STAND_IN}::test_what_it_does_not_know_it_silently_replaces",
        f"{STAND_IN}::test_an_odd_date_is_another_day",
    ),
    "2 times with a zone, and after midnight": (
        f"{CONTRACT}::test_a_clock_reading_becomes_the_moment_it_means",
        f"{CONTRACT}::test_any_readings_keep_their_clock_and_land_in_their_window",
    ),
    "3 high latitudes and ----- for NaN": (
        f"{CALCULATED}::test_under_the_midnight_sun_there_is_no_night_before_fajr",
        f"{ALADHAN}::test_one_day_that_is_not_what_was_asked_fails_the_unit",
        "processors/test_prayer_rules.py::test_nothing_that_is_calculated_breaks_a_rule",
    ),
    "4 a coordinate of exactly 0 is 400": (
        f"{ALADHAN}::test_what_upstream_refuses_is_told_in_its_words_and_not_asked_again",
        f"{STAND_IN}::test_it_refuses_with_a_string_for_data",
    ),
    "5 data is a string on errors": (
        f"{STAND_IN}::test_refusals_have_the_shape_and_layout_of_the_recorded_ones",
        f"{STAND_IN}::test_what_is_not_get_is_not_allowed",
        f"{ALADHAN}::test_a_refusal_fails_the_unit_at_once",
    ),
    "6 a 429 is not the envelope": (
        f"{ALADHAN}::test_a_rate_limit_is_obeyed_and_told_to_the_fleet",
        f"{HTTP}::test_a_rate_limit_is_waited_for_as_long_as_it_says",
        f"{HTTP}::test_a_date_is_reckoned_by_the_clock_of_the_upstream",
    ),
    "7 the range call answers in UTC": (f"{QUIRKS}::test_the_range_call_that_answers_in_utc_is_never_made",),
    "8 an ETag but never a 304": (
        f"{QUIRKS}::test_the_tag_that_is_never_honoured_is_not_sent_back",
        f"{STAND_IN}::test_a_tag_is_sent_without_quotes_and_never_honoured",
    ),
    "9 Asr by the clock of the server": (
        f"{QUIRKS}::test_asr_by_any_clock_of_the_server_breaks_no_rule",
        "processors/test_prayer_rules.py::test_agreement_has_a_tolerance_for_each_time_method_and_latitude",
        "e2e/test_verification.py::test_changes_are_shown_old_beside_new",
    ),
    "10 strings and numbers mixed": (
        f"{QUIRKS}::test_strings_and_numbers_in_the_same_field_are_read",
        f"{WAIVERS}::test_a_moment_that_is_no_number_cannot_be_read",
    ),
    "11 redirects": (
        f"{STAND_IN}::test_it_redirects_to_relative_addresses",
        f"{HTTP}::test_a_redirect_within_the_host_is_followed",
    ),
    "12 midnight mode and Ramadan": (
        f"{QUIRKS}::test_midnight_stays_the_middle_of_sunset_and_sunrise_for_jafari_and_tehran",
        f"{QUIRKS}::test_isha_of_makkah_is_half_an_hour_later_in_ramadan_alone",
    ),
    # AlAdhan: calculated here
    "the day of a clock change": (
        f"{CALCULATED}::test_on_the_day_of_a_clock_change_no_time_jumps_by_an_hour",
        f"{CONTRACT}::test_the_offset_of_a_day_is_that_of_its_morning",
    ),
    "four known differences and no other": (
        f"{CALCULATED}::test_it_differs_from_the_recorded_server_only_where_it_is_known_to",
    ),
    # alquran.cloud
    "one call an edition": (f"{QURAN}::test_one_call_answers_an_edition",),
    "an unknown edition is quran-simple": (f"{QURAN}::test_an_unknown_edition_that_became_quran_simple_is_refused",),
    "ayahs as an error string": (f"{QURAN}::test_an_edition_with_an_excuse_in_place_of_ayahs_is_refused",),
    "sajda is false or an object": (f"{QURAN}::test_a_sajda_is_false_or_an_object",),
    "a byte order mark at 1:1": (f"{QURAN}::test_the_byte_order_mark_of_1_1_is_removed_and_noted",),
    "the basmalah in front of 112 surahs": (
        f"{QURAN}::test_the_basmalah_in_front_of_112_surahs_is_noted_and_left",
        f"{QURAN}::test_the_other_spelling_of_the_basmalah_is_noted_too",
    ),
    "a bad surah number is 404 for a day": (f"{QURAN}::test_a_bad_surah_number_is_404_to_be_kept_for_a_day",),
    "text byte for byte": (
        f"{QURAN}::test_every_text_is_stored_as_it_is_served",
        "e2e/test_recorded_quran.py::test_an_edition_comes_out_as_it_went_in",
    ),
    "what complete means": (
        f"{QURAN}::test_a_spoilt_edition_is_quarantined_by_the_rule_it_breaks",
        "sources/test_packaged.py::test_86_surahs_are_meccan_and_28_medinan",
    ),
    "the embedded text": ("sources/test_packaged.py::test_its_text_is_what_the_mushaf_prints",),
    # hadith-api
    "the small form, else the other": (f"{HADITH}::test_without_a_small_form_the_other_one_is_asked_for",),
    "3604.1 is the tenth": (f"{HADITH}::test_the_tenth_part_is_not_the_first_and_a_zero_at_the_end_counts",),
    "no arabic number, or another": (f"{HADITH}::test_an_arabic_number_may_be_another_a_string_or_not_there",),
    "section 0": (f"{HADITH}::test_section_0_holds_an_introduction_or_what_is_unplaced",),
    "an empty text is kept and counted": (f"{HADITH}::test_an_empty_text_is_kept_and_counted",),
    "how large and how odd editions are": (
        f"{COUNTS}::test_an_edition_of_upstreams_size_and_oddities_is_stored_to_the_last_hadith",
        f"{OUTLINES}::test_no_collection_of_upstream_breaks_a_rule_of_numbers_and_sections",
        "e2e/test_recorded_hadith.py::test_entries_empty_texts_fractions_and_unplaced_are_as_many_as_upstream_has",
    ),
    "ETag and 304 work": (
        f"{HADITH}::test_the_tag_of_an_answer_is_kept_to_the_letter_and_its_304_is_no_change",
        "e2e/test_hadith.py::test_a_sync_of_what_did_not_change_is_answered_by_304_and_writes_nothing",
    ),
    "ten megabytes in bounded memory": ("sources/test_hadith_memory.py::test_a_large_edition_takes_bounded_memory",),
    # How the first implementation went wrong
    "one queue for all": (
        "e2e/test_queues.py::test_a_run_starts_within_a_second_while_every_worker_of_another_queue_is_busy",
        "e2e/test_three_resources.py::test_three_resources_at_once",
    ),
    "one request a verse": (f"{QURAN}::test_one_call_answers_an_edition",),
    "a limiter that raised": (f"{HTTP}::test_a_rate_limit_is_waited_for_as_long_as_it_says",),
    "a job id with the time in it": (
        "engine/test_enqueue.py::test_the_same_selection_in_whatever_order_is_the_same_run",
        "engine/test_enqueue.py::test_twenty_at_once_get_one_run_and_twenty_answers",
    ),
    "completed with errors": ("e2e/test_queues.py::test_failed_units_are_listed_with_their_cause_and_retried_alone",),
    "completed with no call made": ("engine/test_enqueue.py::test_a_selection_without_units_is_no_run",),
    "method and madhab forgotten": (f"{QUIRKS}::test_every_combination_is_asked_for_with_its_own_parameters",),
    "days=1 fetched 15": (f"{QUIRKS}::test_days_asked_for_are_the_days_answered_however_few",),
    "a method that became 15 and 15 degrees": (
        f"{ALADHAN}::test_a_method_that_silently_became_isna_is_noticed",
        "processors/test_prayer_rules.py::test_the_times_of_another_method_do_not_agree",
    ),
    "05:37 (+03) split at the colon": (f"{CONTRACT}::test_a_clock_reading_becomes_the_moment_it_means",),
    "times in the zone of the server": (
        f"{CONTRACT}::test_a_row_names_an_instant",
        f"{ALADHAN}::test_one_day_that_is_not_what_was_asked_fails_the_unit",
    ),
    "an inserted count of always 0": (
        "e2e/test_whole.py::test_the_default_run_stores_a_year_of_a_hundred_cities_once",
    ),
    "a nullable column in a unique key": ("store/test_migrations.py::test_no_column_of_a_unique_key_may_be_null",),
    "a prerequisite of more than none": (
        "e2e/test_nonsense.py::test_missing_prerequisites_are_listed_with_what_mends_them",
        "store/test_reference.py::test_each_lack_is_told_with_the_command_that_mends_it",
    ),
}


@pytest.mark.parametrize("quirk", TESTS)
def test_a_quirk_has_its_tests(quirk: str) -> None:
    for test in TESTS[quirk]:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test
