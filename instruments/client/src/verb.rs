//! What can be asked of an instrument, and of what quantity.

use hil_model::Dimension;

/// One line a verb: how the code and how a dialect file calls it, the fields that
/// its command must have, those that it may have, and what it is.
macro_rules! verbs {
    ($($verb:ident $name:literal [$($must:literal)*] [$($may:literal)*] $doc:literal;)*) => {
        /// What can be asked of an instrument.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Verb {
            $(#[doc = $doc] $verb,)*
        }

        impl Verb {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$verb,)*];

            /// As a dialect file calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$verb => $name,)* }
            }

            /// The fields its command must have.
            pub const fn fields(self) -> &'static [&'static str] {
                match self { $(Self::$verb => &[$($must),*],)* }
            }

            /// The fields its command may have beside these.
            pub const fn optional_fields(self) -> &'static [&'static str] {
                match self { $(Self::$verb => &[$($may),*],)* }
            }
        }
    };
}

verbs! {
    Identify "identify" [] [] "Who are you.";
    Clear "clear" [] [] "Clears status and error queue.";
    QueryError "query-error" [] [] "Oldest entry of the error queue.";
    QueryEvents "query-events" [] [] "The standard event status: power was switched on, a command was refused.";
    QueryComplete "query-complete" [] [] "Answers 1 when all before it is done.";
    Reset "reset" [] [] "Back to the state after switching on.";
    Remote "remote" [] [] "From now on it obeys us and not its front panel.";
    PlainReplies "plain-replies" [] [] "Replies without their header.";
    SelectChannel "select-channel" ["channel"] [] "What follows is for this channel.";

    SetVoltage "set-voltage" ["volts"] [] "Set voltage.";
    QueryVoltage "query-voltage" [] [] "Its read-back.";
    SetSourceLimit "set-source-limit" ["amps"] [] "Largest current out of it.";
    QuerySourceLimit "query-source-limit" [] [] "Its read-back.";
    SetSinkLimit "set-sink-limit" ["amps"] [] "Largest current into it; of a load, the current it takes.";
    QuerySinkLimit "query-sink-limit" [] [] "Its read-back.";
    OutputOn "output-on" [] [] "Output, or a load's input, on.";
    OutputOff "output-off" [] [] "Output, or a load's input, off.";
    QueryOutput "query-output" [] [] "Is it on.";
    ReadVoltage "read-voltage" [] [] "Voltage at the terminals or sense wires.";
    ReadCurrent "read-current" [] [] "Current out of it.";
    ReadPower "read-power" [] [] "Power out of it.";
    VoltagePriority "voltage-priority" [] [] "The set voltage leads, currents are limits.";
    SenseRemote "sense-remote" [] [] "Four wires.";
    SetSlew "set-slew" ["amps-per-microsecond"] [] "How fast the current follows.";

    SetOverVoltage "set-over-voltage" ["volts"] [] "Over-voltage protection.";
    QueryOverVoltage "query-over-voltage" [] [] "Its read-back.";
    EnableOverVoltage "enable-over-voltage" [] [] "Arms it.";
    QueryOverVoltageTripped "query-over-voltage-tripped" [] [] "Has it tripped.";
    SetOverCurrent "set-over-current" ["amps"] [] "Over-current protection.";
    QueryOverCurrent "query-over-current" [] [] "Its read-back.";
    EnableOverCurrent "enable-over-current" [] [] "Arms it.";
    QueryOverCurrentTripped "query-over-current-tripped" [] [] "Has it tripped.";
    SetOverCurrentDelay "set-over-current-delay" ["seconds"] [] "It trips so late.";
    SetSinkOverCurrent "set-sink-over-current" ["amps"] [] "Over-current protection while sinking.";
    QuerySinkOverCurrent "query-sink-over-current" [] [] "Its read-back.";
    ClearProtection "clear-protection" [] [] "After a trip.";
    SetWatchdog "set-watchdog" ["seconds"] [] "Acts by itself after so long without a message.";
    EnableWatchdog "enable-watchdog" [] [] "Arms that.";

    ModeCurrent "mode-current" [] [] "A load takes a constant current.";
    ModeVoltage "mode-voltage" [] [] "A load holds a voltage.";
    ModeResistance "mode-resistance" [] [] "A load is a resistance.";
    ModePower "mode-power" [] [] "A load takes a constant power.";
    QueryMode "query-mode" [] [] "Which of these.";
    SetLoadVoltage "set-load-voltage" ["volts"] [] "What a load holds.";
    QueryLoadVoltage "query-load-voltage" [] [] "Its read-back.";
    SetLoadResistance "set-load-resistance" ["ohms"] [] "What a load is.";
    QueryLoadResistance "query-load-resistance" [] [] "Its read-back.";
    SetLoadPower "set-load-power" ["watts"] [] "What a load takes.";
    QueryLoadPower "query-load-power" [] [] "Its read-back.";
    ShortOn "short-on" [] [] "A load shorts its input.";
    SetTransientLevels "set-transient-levels" ["low" "high"] [] "A load goes to and fro between two currents …";
    SetTransientTimes "set-transient-times" ["low-seconds" "high-seconds"] [] "… and holds each so long.";

    SetListVoltage "set-list-voltage" ["values"] [] "Set values that follow each other …";
    SetListCurrent "set-list-current" ["values"] [] "… of a current …";
    SetListTime "set-list-time" ["values"] [] "… and how long each holds.";
    SetListCount "set-list-count" ["count"] [] "How often.";
    SetListPoint "set-list-point" ["index"] ["volts" "amps" "seconds" "value"] "One of them.";
    SetListPointTime "set-list-point-time" ["index" "seconds"] [] "How long it holds.";
    ArmList "arm-list" [] [] "A trigger will start the list.";
    StartList "start-list" [] [] "Starts it.";
    SelectProgram "select-program" ["index"] [] "A list that is kept in the instrument.";
    ArmTrigger "arm-trigger" [] [] "Waits for a trigger.";
    Trigger "trigger" [] [] "Triggers.";

    SetFunction "set-function" [] [] "Makes a meter a DC voltmeter.";
    QueryFunction "query-function" [] [] "Its read-back.";
    SetRange "set-range" ["volts"] [] "A meter's range.";
    QueryRange "query-range" [] [] "Its read-back.";
    SetAperture "set-aperture" ["nplc"] [] "A meter's aperture in power line cycles.";
    QueryAperture "query-aperture" [] [] "Its read-back.";
    Read "read" [] [] "Takes one reading.";
    SetCurrentFunction "set-current-function" [] [] "Makes a meter a DC ammeter.";
    SetCurrentRange "set-current-range" ["amps"] [] "Its range.";

    SetScale "set-scale" ["volts"] [] "A scope's volts a division.";
    QueryScale "query-scale" [] [] "Its read-back.";
    SetOffset "set-offset" ["volts"] [] "A scope's vertical offset.";
    SetTimebase "set-timebase" ["seconds"] [] "A scope's time a division.";
    QueryTimebase "query-timebase" [] [] "Its read-back.";
    SetTriggerLevel "set-trigger-level" ["volts"] [] "Where it triggers.";
    Single "single" [] [] "Waits for one trigger.";
    Stop "stop" [] [] "Stops.";
    QueryAcquisition "query-acquisition" [] [] "How far it is.";
    SelectWaveform "select-waveform" [] [] "Which channel's samples are fetched.";
    WaveformBytes "waveform-bytes" [] [] "Samples as single bytes.";
    SetWaveformPoints "set-waveform-points" ["count"] [] "How many.";
    QueryPreamble "query-preamble" [] [] "What a byte means.";
    FetchWaveform "fetch-waveform" [] [] "The samples, as a block.";

    Capture "capture" [] [] "Looks at all LEDs, and finds the range itself.";
    CaptureRange "capture-range" ["range"] [] "Looks in a fixed range.";
    CapturePulsed "capture-pulsed" [] [] "Looks at LEDs that blink or are dimmed by pulses.";
    ReadColour "read-colour" ["fibre"] [] "Hue, saturation and intensity of one.";
    ReadRgb "read-rgb" ["fibre"] [] "Red, green, blue and intensity of one.";
    ReadChromaticity "read-chromaticity" ["fibre"] [] "CIE x and y of one.";
    QueryStatus "query-status" [] [] "What it says of its own state.";
}

impl Verb {
    /// As a dialect file calls it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|v| v.name() == name)
    }

    /// What a person calls it.
    pub fn words(self) -> String {
        self.name().replace('-', " ")
    }

    /// Whether its command is for the instrument as a whole, of however many channels.
    pub const fn is_of_the_whole(self) -> bool {
        matches!(
            self,
            Self::Identify
                | Self::Clear
                | Self::QueryError
                | Self::QueryEvents
                | Self::QueryComplete
                | Self::Reset
                | Self::Remote
                | Self::PlainReplies
                | Self::SelectChannel
                | Self::Trigger
                | Self::SetTimebase
                | Self::QueryTimebase
                | Self::SetTriggerLevel
                | Self::Single
                | Self::Stop
                | Self::QueryAcquisition
                | Self::WaveformBytes
                | Self::SetWaveformPoints
        )
    }

    /// Whether its command asks for an answer.
    pub fn is_question(self) -> bool {
        let name = self.name();
        ["query-", "read", "fetch-", "identify"].iter().any(|begin| name.starts_with(begin))
    }
}

/// What is set or read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Function {
    /// A source's voltage.
    Voltage,
    /// A source's current; positive out of it.
    Current,
    /// A source's largest current out of it.
    SourceLimit,
    /// A source's largest current into it; a load's current.
    SinkLimit,
    /// A source's over-voltage protection.
    OverVoltage,
    /// A source's over-current protection, both directions.
    OverCurrent,
    /// The voltage that a load holds.
    LoadVoltage,
    /// The resistance that a load is.
    LoadResistance,
    /// The power that a load takes.
    LoadPower,
    /// A meter's DC voltage.
    DcVoltage,
    /// A meter's DC current.
    DcCurrent,
    /// A scope's volts a division.
    Scale,
    /// A scope's time a division.
    Timebase,
}

impl Function {
    /// Each with what a dialect file calls it.
    pub const WORDS: [(&'static str, Self); 13] = [
        ("voltage", Self::Voltage),
        ("current", Self::Current),
        ("source-limit", Self::SourceLimit),
        ("sink-limit", Self::SinkLimit),
        ("over-voltage", Self::OverVoltage),
        ("over-current", Self::OverCurrent),
        ("load-voltage", Self::LoadVoltage),
        ("load-resistance", Self::LoadResistance),
        ("load-power", Self::LoadPower),
        ("dc-voltage", Self::DcVoltage),
        ("dc-current", Self::DcCurrent),
        ("scale", Self::Scale),
        ("timebase", Self::Timebase),
    ];

    /// What a dialect file calls it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, f)| *f == self).map_or("", |(word, _)| word)
    }

    /// What it measures.
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Voltage | Self::OverVoltage | Self::LoadVoltage | Self::DcVoltage | Self::Scale => Dimension::VOLTAGE,
            Self::Current | Self::SourceLimit | Self::SinkLimit | Self::OverCurrent | Self::DcCurrent => Dimension::CURRENT,
            Self::LoadResistance => Dimension::RESISTANCE,
            Self::LoadPower => Dimension::POWER,
            Self::Timebase => Dimension::TIME,
        }
    }

    /// Its unit's symbol, as instruments reply it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Voltage | Self::OverVoltage | Self::LoadVoltage | Self::DcVoltage | Self::Scale => "V",
            Self::Current | Self::SourceLimit | Self::SinkLimit | Self::OverCurrent | Self::DcCurrent => "A",
            Self::LoadResistance => "OHM",
            Self::LoadPower => "W",
            Self::Timebase => "s",
        }
    }
}
